/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The structs of slots and filters, for the files of this folder. */
#include "ebpf/filter.h"
#include "ebpf/load.h"
#include "util/cleanup.h"

#include <stdatomic.h>

struct runner;

struct filter_slots {
	const struct runner *runner;
	int fd; /* the BPF map; owned; -1 if filters run in this process */
	void *memory;
	size_t len; /* bytes of the whole mapping */
	size_t value_size;
	uint64_t view;        /* a random number for each view: pst_view of programs */
	struct pst_error why; /* why the filters run in this process; else empty */
};

/*
 * Counters, in shards so that threads do not share cache lines. The number of the slot selects the
 * shard: threads run filters on different slots, so mostly each thread has a shard of its own.
 */
#define FILTER_N_SHARDS 8
struct filter_counter {
	atomic_uint_fast64_t n_runs, n_errors, n_done, n_bad, ns;
};
struct filter_shard {
	struct filter_counter row[_FILTER_KINDS][OP_MAX];
} __attribute__((aligned(64)));

struct filter {
	struct filter_facts facts;
	struct load load;                   /* its strings, object and pin */
	char *spec;                         /* as the user has written it */
	const struct filter_slots *slots;   /* borrowed */
	int program[_FILTER_KINDS][OP_MAX]; /* as the runner knows it; -1 for none */
	atomic_bool failed;                 /* a run in this process has failed: logged */
	struct filter_shard shards[FILTER_N_SHARDS];
};

DEFINE_CLEANUP(struct filter_slots *, filter_slots_free);
DEFINE_CLEANUP(struct filter *, filter_free);
