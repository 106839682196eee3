/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The structs of slots and filters, for the files of this folder. */
#include "ebpf/filter.h"
#include "ebpf/load.h"
#include "util/cleanup.h"

#include <stdatomic.h>

struct filter_slots {
	int fd; /* of the map */
	void *memory;
	size_t len; /* of the whole mapping */
	size_t value_size;
	uint64_t view; /* a number of the view that they are for */
};

/*
 * Counters, in shards on cache lines of their own: threads run filters on different slots, so the
 * slot's number mostly gives each thread a shard of its own.
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
	struct load load;                      /* its strings, object and pin */
	char *spec;                            /* as the user wrote it */
	int program_fd[_FILTER_KINDS][OP_MAX]; /* borrowed from the object; -1: none */
	struct filter_shard shards[FILTER_N_SHARDS];
};

DEFINE_CLEANUP(struct filter_slots *, filter_slots_free);
DEFINE_CLEANUP(struct filter *, filter_free);
