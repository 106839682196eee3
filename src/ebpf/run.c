// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Runs programs, and counts the runs.
 *
 * A run is one bpf(2) call. The kernel copies the context, which has the number of the slot, and
 * the program finds the call in the map by that number; nothing else is copied.
 *
 * Locking: none. A loaded filter is constant. Counters are atomic and relaxed, because no code
 * concludes anything from one counter about another.
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
 * The bytes of the union that the kernel needs. A run costs a system call, the copy of the context,
 * and a mispredicted return from here, because the kernel has overwritten the processor's return
 * stack. A shorter attr, a shorter context and a system call without libc's function were measured:
 * none of them is faster.
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

int filter_run(struct filter *filter, enum filter_kind kind, uint32_t opcode,
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
