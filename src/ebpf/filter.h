/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Filters: eBPF objects that are opened, configured, loaded into the kernel and run. Only this
 * folder knows libbpf.
 *
 * A filter is constant once loaded, and may be run from any number of threads at once, each on a
 * slot of its own.
 */
#include "filter/facts.h"

#include <penstock/penstock.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Memory for calls that filters can reach: n slots of size bytes each (a multiple of 4096, at least
 * sizeof(struct pst_call) + 4096), in one BPF array that is mapped here.
 */
struct filter_slots;
int filter_slots_new(unsigned int n, size_t size, struct filter_slots **ret_slots,
		     struct pst_error *error);
struct filter_slots *filter_slots_free(struct filter_slots *slots);
/* The first slot; the others follow without gaps. */
void *filter_slots_memory(const struct filter_slots *slots);

struct filter;

/*
 * Loads "NAME|FILE[,option=value...]". A NAME is looked for in the directories of
 * $PENSTOCK_FILTER_PATH, beside the program, and where `meson install` puts filters; a FILE has a
 * '/' or ends in ".o". Options of the engine's own: name=, at=, pin=. Returns 0, or -errno and
 * *error for people: the option that is wrong and those that there are, the verifier's words, the
 * missing capability.
 */
int filter_load(const char *spec, const struct filter_slots *slots, struct filter **ret_filter,
		struct pst_error *error);
struct filter *filter_free(struct filter *filter);
/* Flags and operations, as filter_facts() will say once it is loaded; the rest is empty. */
int filter_peek(const char *spec, struct filter_facts *ret_facts, struct pst_error *error);
/*
 * Lets a filter that is to take this one's place have the directory of its pin=, and the maps
 * there; takes it again. Removes what is pinned, which otherwise stays when a filter is let go of.
 */
void filter_lend_pin(struct filter *filter);
void filter_take_pin(struct filter *filter);
void filter_remove_pin(struct filter *filter);
/* The filter is in force: what it has pinned stays when it is let go of. */
void filter_keep_pin(struct filter *filter);
const struct filter_facts *filter_facts(const struct filter *filter);

/*
 * Runs the program of a kind for an operation (the newer opcode of two forms; 0 for names) on the
 * slot of that number. Returns 0 and the verdict, or -errno when the run itself failed. Counts
 * both.
 */
int filter_run(struct filter *filter, enum filter_kind kind, uint32_t opcode, unsigned int slot,
	       int *ret_verdict);
/*
 * Runs the program for names on the first n names of call->listed, which get their verdicts.
 * Returns 0 or -errno when the run itself failed.
 */
int filter_run_listed(struct filter *filter, unsigned int slot, unsigned int n);
/*
 * Runs the program before LOOKUP on the n names from number first on, and ends at the first name
 * that the program does not simply let pass. call->n_asked is the number of names up to that one,
 * and the call is as the program has left it. Counted as one run.
 */
int filter_run_looked_up(struct filter *filter, unsigned int slot, unsigned int first,
			 unsigned int n);
/* Counts a verdict or a change that had to be refused: the engine judges these. */
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
