/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Filters: eBPF objects that are opened, configured, loaded into the kernel and run. Only this
 * folder uses libbpf.
 *
 * A loaded filter is constant. Any number of threads may run it at once, each on a slot of its own.
 */
#include "filter/facts.h"

#include <penstock/penstock.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The memory of calls, which filters can reach: n slots of size bytes each (a multiple of 4096, at
 * least sizeof(struct pst_call) + 4096), in one BPF array that is mapped into this process.
 * filter_slots_new() returns 0, or -errno with *error set.
 */
struct filter_slots;
int filter_slots_new(unsigned int n, size_t size, struct filter_slots **ret_slots,
		     struct pst_error *error);
struct filter_slots *filter_slots_free(struct filter_slots *slots);
/* Returns the first slot; the others follow without gaps. */
void *filter_slots_memory(const struct filter_slots *slots);
/*
 * Makes the slots those of programs and of the kernel alone: no process can write to them any more.
 * filter_slots_memory() must not be called. Returns 0, or -errno with *error set.
 */
int filter_slots_freeze(struct filter_slots *slots, struct pst_error *error);

struct filter;

/*
 * Loads "NAME|FILE[,option=value...]". A NAME is looked for in the directories of
 * $PENSTOCK_FILTER_PATH, beside a program that was not installed, and where `meson install` puts
 * filters; a FILE has a '/' or ends in ".o". Every filter has the options name=, at= and pin=.
 * Returns 0, or -errno and in *error a line for users: the option that is wrong and the right ones,
 * the verifier's reason, the missing capability.
 */
int filter_load(const char *spec, const struct filter_slots *slots, struct filter **ret_filter,
		struct pst_error *error);
struct filter *filter_free(struct filter *filter);
/*
 * Fills the flags and operations that filter_facts() will return for a filter, without loading it.
 * All other members are empty. Returns 0, or -errno with *error set.
 */
int filter_peek(const char *spec, struct filter_facts *ret_facts, struct pst_error *error);
const struct filter_facts *filter_facts(const struct filter *filter);
/* Returns the descriptor of a program; it is the filter's. -1: there is none. */
int filter_program(const struct filter *filter, enum filter_kind kind, uint32_t opcode);

/*
 * The maps that a filter has pinned (pin=); without pin= these do nothing. filter_keep_pin(): the
 * filter is in force, so they stay when it is freed. filter_lend_pin() lets the filter that is to
 * replace this one use the directory and the maps; filter_take_pin() takes them back.
 * filter_remove_pin() removes them.
 */
void filter_keep_pin(struct filter *filter);
void filter_lend_pin(struct filter *filter);
void filter_take_pin(struct filter *filter);
void filter_remove_pin(struct filter *filter);

/*
 * Runs the program of a kind for an operation (the newer opcode of two forms; 0 for names) on slot
 * ctx->slot. Returns 0 and the verdict, or -errno if the kernel could not run it; both are counted,
 * as one run.
 *
 * With ctx->n_listed the program runs on that many names of call->listed in turn, and *ret_verdict
 * has no meaning: a program for names leaves the verdict of each there. The program before LOOKUP
 * begins at number ctx->first and ends at the first name that it does not simply let pass;
 * call->n_asked is then the number of names up to that one, and the call is as the program left it.
 */
int filter_run(struct filter *filter, enum filter_kind kind, uint32_t opcode,
	       const struct pst_ctx *ctx, int *ret_verdict);
/* Counts a verdict, or a change of the call, that the engine has refused. */
void filter_count_bad(struct filter *filter, enum filter_kind kind, uint32_t opcode);

struct filter_count {
	uint64_t n_runs;
	uint64_t n_errors; /* of these, runs that answered -errno */
	uint64_t n_done;   /* ... PST_DONE or PST_SERVE */
	uint64_t n_bad;    /* runs that failed, or whose result was refused */
	uint64_t ns;       /* in all runs */
};
void filter_stat(const struct filter *filter, enum filter_kind kind, uint32_t opcode,
		 struct filter_count *ret_count);
