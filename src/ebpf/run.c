// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Runs programs where the filter was loaded (ebpf/runner.h), and counts the runs.
 *
 * Locking: none. A loaded filter is constant. Counters are atomic and relaxed, because no code
 * concludes anything from one counter about another.
 */
#include "ebpf/runner.h"
#include "util/clock.h"

#include <assert.h>

static void add(atomic_uint_fast64_t *counter, uint64_t n)
{
	atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static uint64_t get(const atomic_uint_fast64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

int filter_run(struct filter *filter, enum filter_kind kind, uint32_t opcode,
	       const struct pst_ctx *ctx, int *ret_verdict)
{
	struct filter_counter *counter;
	uint64_t start;
	int verdict, r;

	assert(opcode < OP_MAX && filter->program[kind][opcode] >= 0);
	counter = &filter->shards[ctx->slot % FILTER_N_SHARDS].row[kind][opcode];
	start = clock_ns();
	r = filter->slots->runner->run(filter, filter->program[kind][opcode], ctx, &verdict);
	if (r < 0) {
		add(&counter->n_runs, 1);
		add(&counter->n_bad, 1);
		return r;
	}
	add(&counter->ns, clock_ns() - start);
	add(&counter->n_runs, 1);
	if (verdict < 0)
		add(&counter->n_errors, 1);
	else if (verdict > 0)
		add(&counter->n_done, 1);
	*ret_verdict = verdict;
	return 0;
}

void filter_count_bad(struct filter *filter, enum filter_kind kind, uint32_t opcode)
{
	assert(opcode < OP_MAX);
	add(&filter->shards[0].row[kind][opcode].n_bad, 1);
}

void filter_stat(const struct filter *filter, enum filter_kind kind, uint32_t opcode,
		 struct filter_count *ret_count)
{
	struct filter_count count = { 0 };

	assert(opcode < OP_MAX);
	for (int i = 0; i < FILTER_N_SHARDS; i++) {
		const struct filter_counter *counter = &filter->shards[i].row[kind][opcode];

		count.n_runs += get(&counter->n_runs);
		count.n_errors += get(&counter->n_errors);
		count.n_done += get(&counter->n_done);
		count.n_bad += get(&counter->n_bad);
		count.ns += get(&counter->ns);
	}
	*ret_count = count;
}
