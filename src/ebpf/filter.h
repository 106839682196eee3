/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Filters are eBPF objects. This folder opens them, sets their options, loads them into the kernel
 * or into this process (machine/), and runs their programs. Only this folder uses libbpf.
 *
 * A loaded filter is constant. Any number of threads may run it at the same time, each on its own
 * slot.
 */
#include "filter/facts.h"

#include <penstock/penstock.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The memory of calls: n slots of size bytes each (a multiple of 4096, at least sizeof(struct
 * pst_call) + 4096), which the daemon and the programs of filters access. Filters for these slots
 * run in the kernel, where the slots are a BPF array that is mapped into this process, or in this
 * process. filter_slots_new() returns 0, or -errno and *error.
 */
struct filter_slots;
int filter_slots_new(unsigned int n, size_t size, enum pst_run_filters where,
		     struct filter_slots **ret_slots, struct pst_error *error);
/*
 * Returns where filters for these slots run: "kernel" or "process". Sets *ret_why to the reason if
 * it is the process, or "". The slots own both texts.
 */
const char *filter_slots_where(const struct filter_slots *slots, const char **ret_why);
struct filter_slots *filter_slots_free(struct filter_slots *slots);
/*
 * Opens the slots of a view of the kernel engine, which are frozen, by the number of their map.
 * Needs CAP_SYS_ADMIN. Returns 0, or -errno and *error.
 */
int filter_slots_open(uint32_t number, struct filter_slots **ret_slots, struct pst_error *error);
/* Returns the first slot, which the slots own; slot i begins at i * size. */
void *filter_slots_memory(const struct filter_slots *slots);
/*
 * Unmaps and freezes the slots, for the kernel engine: from now on only programs and the kernel can
 * write to them, and filter_slots_memory() must not be called. Returns 0, or -errno and *error.
 */
int filter_slots_freeze(struct filter_slots *slots, struct pst_error *error);

struct filter;

/*
 * Loads "NAME|FILE[,option=value...]". Searches a NAME in the directories of $PENSTOCK_FILTER_PATH,
 * in the build folder if the program runs there, and in the folder of installed filters; a FILE has
 * a '/' or ends in ".o". Every filter has the options name=, at=, pin= and keep=. Borrows slots,
 * which must outlive the filter. Returns 0, or -errno and *error, which names the wrong option and
 * the valid ones, the verifier's reason, or the missing capability.
 */
int filter_load(const char *spec, const struct filter_slots *slots, struct filter **ret_filter,
		struct pst_error *error);
/* The same, but pin= has no effect: for a second set of the programs. */
int filter_load_unpinned(const char *spec, const struct filter_slots *slots,
			 struct filter **ret_filter, struct pst_error *error);
struct filter *filter_free(struct filter *filter);
/*
 * Fills flags and operations as filter_facts() would return them, without loading the filter. All
 * other members are empty. Returns 0, or -errno and *error.
 */
int filter_peek(const char *spec, struct filter_facts *ret_facts, struct pst_error *error);
const struct filter_facts *filter_facts(const struct filter *filter);
/* Returns whether programs can keep something from one run to the next: in a map or a variable. */
bool filter_has_memory(const struct filter *filter);
/* Returns the descriptor of a program, which the filter owns, or -1 if there is none. */
int filter_program(const struct filter *filter, enum filter_kind kind, uint32_t opcode);

/*
 * These functions concern the maps that a filter has pinned (pin=), and do nothing without pin=.
 * filter_keep_pin() makes the maps stay when the filter is freed; the caller calls it when the
 * filter is in force. filter_lend_pin() lets the filter that will replace this one use the
 * directory and the maps; filter_take_pin() undoes that if the replacement fails.
 * filter_remove_pin() removes the maps.
 */
void filter_keep_pin(struct filter *filter);
void filter_lend_pin(struct filter *filter);
void filter_take_pin(struct filter *filter);
void filter_remove_pin(struct filter *filter);
/*
 * Removes the maps that the filter with this SPEC has pinned, for a filter that another process has
 * loaded. Does nothing without pin=. Returns 0, or -errno and *error.
 */
int filter_unpin(const char *spec, struct pst_error *error);

/*
 * Runs the program of a kind for an operation (the newer opcode of two forms; 0 for names) on slot
 * ctx->slot. Returns 0 and the verdict, or -errno if the kernel could not run the program. Counts
 * one run in both cases.
 *
 * If ctx->n_listed is not 0, the program runs on so many names of call->listed one after the other,
 * and *ret_verdict has no meaning: a program for names stores each verdict in call->listed. The
 * program before LOOKUP begins at name ctx->first and ends after the first name that it has refused
 * or changed; call->n_asked is then the number of names up to and with this one, and the call has
 * the program's changes for it.
 */
int filter_run(struct filter *filter, enum filter_kind kind, uint32_t opcode,
	       const struct pst_ctx *ctx, int *ret_verdict);
/* Counts a verdict, or a change of the call, that the engine has refused. */
void filter_count_bad(struct filter *filter, enum filter_kind kind, uint32_t opcode);

struct filter_count {
	uint64_t n_runs;
	uint64_t n_errors; /* runs that returned -errno */
	uint64_t n_done;   /* runs that returned PST_DONE or PST_SERVE */
	uint64_t n_bad;    /* runs that failed, or whose result was refused */
	uint64_t ns;       /* time of all runs */
};
void filter_stat(const struct filter *filter, enum filter_kind kind, uint32_t opcode,
		 struct filter_count *ret_count);
