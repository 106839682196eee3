// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * fault: makes operations fail or be slow, to test how programs handle that.
 *
 *	ops=open:*xattr		names and globs of operations (default: all)
 *	names=*.db		files and trees of these names, in any directory
 *	paths=/var/lib		files and trees at these paths from the root of the view
 *	error=ENOSPC		the errno, by name or number
 *	delay_us=2000		microseconds to wait first; without error= only that
 *	percent=10		chance of a fault
 *	every=3			only each third call
 *	after=100		skip the first hundred calls
 *	count=1			at most one fault
 *
 * Without names= and paths=, the filter acts on all files. An operation with a name is on the file
 * of that name. every=, after= and count= count all these operations together. Closing a file never
 * fails.
 *
 * fault-data also acts on reads and writes, so the data of these files does not pass through. It
 * has
 *
 *	shorten=100		cuts reads and writes to at most this many bytes
 */
#include <penstock/filter.bpf.h>

#ifdef FAULT_DATA
PST_LIST_OF(ops, PST_OP_WORDS, "names and globs of operations (default: all)");
#else
PST_LIST_OF(ops, PST_OP_WORDS, "names and globs of operations (default: all but read and write)")
PST_TAKES("elsewhere read write : use fault-data, which has the same options and sees reads and "
	  "writes");
#endif
PST_OPTION(struct pst_names, names, "names and globs of files and trees, in any directory");
PST_OPTION(struct pst_paths, paths, "paths of files and trees");
PST_OPTION(struct pst_errno, error,
	   "the error to return, by name or number (EIO unless another fault is given)");
PST_RANGE(__u32, delay_us, 1, 4294967295, "microseconds to wait first");
PST_RANGE(__u32, percent, 1, 100, "chance of a fault, in percent") = 100;
PST_RANGE(__u64, every, 1, 1152921504606846976, "only each Nth call") = 1;
PST_OPTION(__u64, after, "skip the first N calls");
PST_OPTION(__u64, count, "at most N faults (0: no limit)");

#ifdef FAULT_DATA
PST_FILTER(PST_CELLS | PST_DELAYS,
	   "makes operations, reads and writes fail, be slow or fall short");
PST_RANGE(__u32, shorten, 1, 4294967295,
	  "the most bytes that a read or write returns (default: no limit)");
#else
PST_FILTER(PST_CELLS | PST_DELAYS, "makes operations fail or be slow");
#define shorten 0
#endif

/* The calls that could fail, and the faults. */
struct times {
	__u64 seen, done;
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct times);
} fault_times SEC(".maps");

/*
 * The attribute lets the compiler use the newer instruction that adds and returns the sum at once.
 */
static __attribute__((noinline, target("alu32"))) __u64 next(__u64 *counter)
{
	return __sync_fetch_and_add(counter, 1) + 1;
}

/* Returns the cell of the file that the operation is on. */
static __always_inline __u64 cell_of(const struct pst_call *call)
{
	return pst_op_on_entry(call->opcode) ? call->child.cell : call->cell;
}

static __always_inline int happens(struct pst_call *call)
{
	struct times *times;
	__u64 seen;
	__u32 key = 0;

	if (!pst_chosen(&names, &paths, cell_of(call)) || (ops.n && !pst_op_match(&ops, call)))
		return 0;
	times = bpf_map_lookup_elem(&fault_times, &key);
	if (!times)
		return 0;
	seen = next(&times->seen);
	if (seen <= after || (every > 1 && (seen - after) % every))
		return 0;
	if (percent < 100 && bpf_get_prandom_u32() % 100 >= percent)
		return 0;
	return !count || next(&times->done) <= count;
}

/* Sets the delay, and returns the verdict. */
static __always_inline int fail(struct pst_call *call)
{
	call->delay_us = delay_us;
	if (error.number)
		return -error.number;
	return delay_us || shorten ? PST_PASS : -EIO;
}

PST_NAME(call)
{
	pst_choose(&names, &paths, call);
	return PST_PASS;
}

PST_PRE(any, call)
{
	return happens(call) ? fail(call) : PST_PASS;
}

#ifdef FAULT_DATA
PST_PRE(read, call)
{
	if (!happens(call))
		return PST_PASS;
	if (shorten && call->in.read.size > shorten)
		call->in.read.size = shorten;
	return fail(call);
}

PST_PRE(write, call)
{
	if (!happens(call))
		return PST_PASS;
	/* Not for a writeback, of which the kernel ignores the length: data would be lost. */
	if (shorten && call->data_len > shorten && !(call->in.write.write_flags & FUSE_WRITE_CACHE))
		call->data_len = call->in.write.size = shorten;
	return fail(call);
}

/* The data of other files still passes through. */
PST_POST(lookup, call)
{
	if (!call->error && !S_ISDIR(call->child.attr.mode) &&
	    !pst_chosen(&names, &paths, call->child.cell))
		call->child.held = 0;
	return PST_PASS;
}
#endif
