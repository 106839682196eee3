// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * fault: operations that fail, or are slow, to see what programs make of it.
 *
 *	ops=open:*xattr		names and globs of operations; none: all
 *	names=*.db		files and trees of these names, in any directory
 *	paths=/var/lib		... at these paths below the root
 *	error=ENOSPC		the errno, by name or number
 *	delay_us=2000		microseconds to wait first; alone, that is all
 *	percent=10		a chance of ten in a hundred
 *	every=3			each third time only
 *	after=100		not the first hundred times
 *	count=1			so many times in all
 *
 * When names and paths are empty it is all files. Operations that take a name are at the file of
 * that name, others at their own. Times are counted for all these operations together. Nothing
 * fails when a file is closed.
 *
 * fault-data is the same for reads and writes, too, which do not pass through then, and for
 *
 *	shorten=100		reads and writes of more bytes than this become ones of this many
 */
#include <penstock/filter.bpf.h>

#ifdef FAULT_DATA
PST_LIST_OF(ops, PST_OP_WORDS, "names and globs of operations; none: all");
#else
PST_LIST_OF(ops, PST_OP_WORDS, "names and globs of operations; none: all but read and write")
PST_TAKES("elsewhere read write : take fault-data, which has the same options and sees reads and "
	  "writes");
#endif
PST_OPTION(struct pst_names, names, "names and globs of files and trees, in any directory");
PST_OPTION(struct pst_paths, paths, "paths of files and trees");
PST_OPTION(struct pst_errno, error,
	   "the errno, by name or number; EIO where nothing else is to happen");
PST_RANGE(__u32, delay_us, 1, 4294967295, "microseconds to wait first");
PST_RANGE(__u32, percent, 1, 100, "how many times of a hundred") = 100;
PST_RANGE(__u64, every, 1, 1152921504606846976, "each so manyth time") = 1;
PST_OPTION(__u64, after, "not the first so many times");
PST_OPTION(__u64, count, "so many times in all; 0: always");

#ifdef FAULT_DATA
PST_FILTER(PST_CELLS | PST_DELAYS,
	   "makes operations, reads and writes fail, be slow or fall short");
PST_RANGE(__u32, shorten, 1, 4294967295,
	  "bytes that reads and writes are cut to; none: they are not");
#else
PST_FILTER(PST_CELLS | PST_DELAYS, "makes operations fail or be slow");
#define shorten 0
#endif

/* How often there was something to happen, and how often it did. */
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
 * Adding and learning the sum in one step is a newer instruction, which this makes the compiler
 * use.
 */
static __attribute__((noinline, target("alu32"))) __u64 next(__u64 *counter)
{
	return __sync_fetch_and_add(counter, 1) + 1;
}

/* The file that the operation is at. */
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

/* Waits where that is wanted, and returns what the operation comes to. */
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
	/* The kernel does not write the rest of what it writes back from a mapping. */
	if (shorten && call->data_len > shorten && !(call->in.write.write_flags & FUSE_WRITE_CACHE))
		call->data_len = call->in.write.size = shorten;
	return fail(call);
}

/* Files that nothing happens to pass through as before. */
PST_POST(lookup, call)
{
	if (!call->error && !S_ISDIR(call->child.attr.mode) &&
	    !pst_chosen(&names, &paths, call->child.cell))
		call->child.held = 0;
	return PST_PASS;
}
#endif
