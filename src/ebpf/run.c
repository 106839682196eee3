// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Running programs, and counting that.
 *
 * A run is one bpf(2) call. The kernel reads the number of the slot from us and finds the call in
 * the map: nothing else is copied.
 *
 * Locking: none. A filter does not change once it is loaded; counters are atomic and relaxed, since
 * nothing is concluded from one of them about another.
 */
#include "ebpf/filter-private.h"
#include "util/clock.h"

#include <assert.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * As much of the union as there is something in. The cost of a run is getting into the kernel and
 * out of it, the copy of the context, and the return from here: the kernel has used up what the
 * processor had predicted of returns. A shorter attr, a shorter context and a system call without
 * libc's function were all measured to change nothing.
 */
#define ATTR_SIZE (offsetof(union bpf_attr, test.ctx_in) + sizeof(uint64_t))

static void add(atomic_uint_fast64_t *counter, uint64_t n)
{
	atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static uint64_t get(const atomic_uint_fast64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static int run(struct filter *filter, enum filter_kind kind, uint32_t opcode,
	       const struct pst_ctx *ctx, int *ret_verdict)
{
	struct filter_counter *counter;
	union bpf_attr attr;
	uint64_t start;
	int verdict;

	assert(opcode < OP_MAX && filter->program_fd[kind][opcode] >= 0);
	counter = &filter->shards[ctx->slot % FILTER_N_SHARDS].row[kind][opcode];
	memset(&attr, 0, ATTR_SIZE);
	attr.test.prog_fd = filter->program_fd[kind][opcode];
	attr.test.ctx_in = (uintptr_t)ctx;
	attr.test.ctx_size_in = sizeof(*ctx);

	start = clock_ns();
	if (syscall(SYS_bpf, BPF_PROG_RUN, &attr, ATTR_SIZE) < 0) {
		int r = -errno;

		add(&counter->n_runs, 1);
		add(&counter->n_bad, 1);
		return r;
	}
	add(&counter->ns, clock_ns() - start);
	add(&counter->n_runs, 1);
	verdict = (int)attr.test.retval;
	if (verdict < 0)
		add(&counter->n_errors, 1);
	else if (verdict > 0)
		add(&counter->n_done, 1);
	*ret_verdict = verdict;
	return 0;
}

int filter_run(struct filter *filter, enum filter_kind kind, uint32_t opcode, unsigned int slot,
	       int *ret_verdict)
{
	const struct pst_ctx ctx = { .slot = slot };

	return run(filter, kind, opcode, &ctx, ret_verdict);
}

int filter_run_listed(struct filter *filter, unsigned int slot, unsigned int n)
{
	const struct pst_ctx ctx = { .slot = slot, .n_listed = n };
	int verdict;

	return run(filter, FILTER_NAME, 0, &ctx, &verdict);
}

int filter_run_looked_up(struct filter *filter, unsigned int slot, unsigned int first,
			 unsigned int n)
{
	const struct pst_ctx ctx = { .slot = slot, .n_listed = n, .first = first };
	int verdict;

	return run(filter, FILTER_PRE, FUSE_LOOKUP, &ctx, &verdict);
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
