/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What the files of this folder know of each other's structs. */
#include "ebpf/filter.h"
#include "util/cleanup.h"

#include <stdatomic.h>

/* Bytes of data that pst_filter_check() pretends slots to have. */
#define FILTER_CHECK_DATA 65536

struct filter_slots {
	int fd; /* of the map */
	void *memory;
	size_t len; /* of the whole mapping */
	size_t value_size;
	uint64_t view; /* a number of the view that they are for */
};

/*
 * Counters, in shards that lie on cache lines of their own: threads run filters on slots of their
 * own, so that the number of the slot mostly keeps them apart.
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
	char *name, *spec, *file, *at;
	char summary[120];
	struct bpf_object *object;
	int program_fd[_FILTER_KINDS][OP_MAX]; /* borrowed from object; -1: none */
	struct pin *pin;                       /* NULL: nothing is pinned */
	struct filter_shard shards[FILTER_N_SHARDS];
};

DEFINE_CLEANUP(struct filter_slots *, filter_slots_free);
DEFINE_CLEANUP(struct filter *, filter_free);
