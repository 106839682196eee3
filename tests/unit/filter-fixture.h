/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * For tests that run filters: slots with calls, and filters from the objects that were compiled for
 * the tests. Includes cmocka's headers first.
 */
#include "../test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../run-filters.h"
#include "ebpf/filter-private.h"

#define N_SLOTS   16
#define DATA_SIZE 8192
#define SLOT_SIZE (sizeof(struct pst_call) + DATA_SIZE)

static struct filter_slots *slots;

/* Makes the slots. If that fails, prints why and ends the program as skipped. */
static inline void fixture_init(void)
{
	struct pst_error error;

	if (!getenv("PENSTOCK_FILTER_PATH")) {
		puts("no clang that compiles eBPF: there are no objects to load");
		exit(77);
	}
	if (filter_slots_new(N_SLOTS, SLOT_SIZE, test_run_filters(), &slots, &error) < 0) {
		puts(error.text);
		exit(77);
	}
}

static inline void fixture_fini(void)
{
	slots = filter_slots_free(slots);
}

/* Returns the call in a slot, with all members 0. */
static inline struct pst_call *call_at(unsigned int slot)
{
	char *memory = filter_slots_memory(slots);

	return memset(memory + slot * SLOT_SIZE, 0, SLOT_SIZE);
}

static inline struct filter *load(const char *spec)
{
	struct filter *filter = NULL;
	struct pst_error error;

	if (filter_load(spec, slots, &filter, &error) < 0)
		fail_msg("%.100s: %s", spec, error.text);
	return filter;
}

static inline int run(struct filter *filter, enum filter_kind kind, uint32_t opcode,
		      unsigned int slot)
{
	int verdict = 4711;

	assert_int_equal(
		filter_run(filter, kind, opcode, &(struct pst_ctx){ .slot = slot }, &verdict), 0);
	return verdict;
}
