// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * fault: makes operations fail, be slow, or do less than they should, to test how programs handle
 * that.
 *
 *	ops=write:fsync:*xattr	names and globs of operations (default: all but read and write)
 *	names=*.db		files and trees of these names, in any directory
 *	paths=/var/lib		files and trees at these paths from the root of the view
 *
 * The fault:
 *
 *	error=enospc		the errno, by name or number
 *	delay_us=2000		microseconds to wait first; without error= only that
 *	jitter_us=500		waits up to so many microseconds more
 *	shorten=100		cuts reads and writes to at most this many bytes; the result says so
 *	torn=512		only the first 512 bytes of a write reach the file
 *	part=random		a random number of blocks of 512 bytes reach it, but not all
 *	result=short		the result of a torn write says how many, not that all did
 *
 * The operations that have it, out of those above:
 *
 *	percent=0.1		chance of a fault
 *	every=3			only each third call
 *	after=100		skip the first hundred calls
 *	after_bytes=1G		skip calls until so many bytes have been written
 *	count=1			at most one fault
 *	seed=7			the random numbers: the same for the same sequence of operations
 *
 * Without names= and paths=, the filter acts on all files. An operation with a name is on the file
 * of that name. every=, after= and count= count all these operations together.
 *
 * Data passes through unless ops= lists read or write, because only then the programs for these are
 * loaded.
 */
#include <penstock/filter.bpf.h>

PST_FILTER(PST_CELLS | PST_CHOOSES | PST_DELAYS | PST_ANNOUNCED,
	   "makes operations fail, be slow, or write less than they should");

PST_LIST_OF(ops, PST_OP_WORDS, "names and globs of operations (default: all but read and write)")
PST_OF_PROGRAMS PST_TAKES("elsewhere release releasedir : closing a file cannot fail; use flush, "
			  "whose error close(2) returns");
PST_OPTION(struct pst_names, names, "names and globs of files and trees, in any directory");
PST_OPTION(struct pst_paths, paths, "paths of files and trees");
PST_OPTION(struct pst_errno, error,
	   "the error to return, by name or number (EIO unless another fault is given)");
PST_RANGE(__u32, delay_us, 1, 4294967295, "microseconds to wait first");
PST_RANGE(__u32, jitter_us, 1, 4294967295, "wait up to this many microseconds more");
PST_RANGE(__u32, shorten, 1, 4294967295,
	  "the most bytes that a read or write returns (default: no limit)")
PST_TAKES("with ops read write");
PST_RANGE(__s64, torn, 0, 4294967295, "the first bytes of a write that reach the file (-1: all)")
PST_TAKES("with ops write") = -1;
PST_ONE_OF(part, "first random", "of a torn write: its first bytes, or blocks of torn bytes")
PST_TAKES("with torn") = "first";
PST_ONE_OF(result, "success short", "of a torn write: all bytes, or those that reached the file")
PST_TAKES("with torn") = "success";
PST_PERCENT(percent, "chance of a fault, in percent") = PST_PERCENT_ALL;
PST_RANGE(__u64, every, 1, 1152921504606846976, "only each Nth call") = 1;
PST_OPTION(__u64, after, "skip the first N calls");
PST_RANGE(__u64, after_bytes, 1, 1152921504606846976,
	  "skip calls until N bytes have been written; the error is then ENOSPC")
PST_TAKES("with ops write");
PST_OPTION(__u64, count, "at most N faults (0: no limit)");
PST_OPTION(__u32, seed, "the same faults for the same operations (default: random)")
PST_TAKES("random for percent jitter_us part");

#define is(OPTION, WORD) pst_text_is(OPTION, WORD, sizeof(WORD))

/* The calls that could fail, the faults, and the bytes that calls wanted to write. */
struct times {
	__u64 seen, done, bytes;
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
static __attribute__((noinline, target("alu32"))) __u64 add(__u64 *counter, __u64 n)
{
	return __sync_fetch_and_add(counter, n) + n;
}

static __always_inline struct times *times_of_all(void)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&fault_times, &key);
}

/* Random numbers of one call, each for another use. */
enum use {
	USE_PERCENT = 1,
	USE_JITTER,
	USE_PART,
};

/* Returns a random number below a limit, which depends on the seed and the number of the call. */
static __always_inline __u64 draw(__u64 call_number, enum use use, __u64 limit)
{
	/* The finalizer of splitmix64. */
	__u64 x = ((__u64)seed << 32 | use) + call_number * 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return limit ? (x ^ x >> 31) % limit : 0;
}

/* Returns whether the filter acts on the file that the operation is on. */
static __always_inline int acts(const struct pst_call *call)
{
	return pst_chosen(&names, &paths,
			  pst_op_on_entry(call->opcode) ? call->child.cell : call->cell);
}

/* Returns the number of the call, from 1 on, if a fault happens in it; else 0. */
static __always_inline __u64 happens(struct times *times)
{
	__u64 number = add(&times->seen, 1);

	if (number <= after || (every > 1 && (number - after) % every))
		return 0;
	if (percent < PST_PERCENT_ALL && draw(number, USE_PERCENT, PST_PERCENT_ALL) >= percent)
		return 0;
	return !count || add(&times->done, 1) <= count ? number : 0;
}

static __always_inline void wait(struct pst_call *call, __u64 number)
{
	__u64 us = delay_us;

	if (jitter_us)
		us += draw(number, USE_JITTER, (__u64)jitter_us + 1);
	call->delay_us = us > 0xffffffff ? 0xffffffff : us;
}

/* Returns the verdict of a fault. */
static __always_inline int fail(void)
{
	if (error.number)
		return -error.number;
	if (delay_us || jitter_us || shorten || torn >= 0)
		return PST_PASS;
	return after_bytes ? -ENOSPC : -EIO;
}

/* A read or write with O_DIRECT of other than whole blocks would fail with EINVAL. */
#define DIRECT_BLOCK 4096

static __always_inline __u64 whole(__u64 size, __u32 flags)
{
	return flags & O_DIRECT ? size & ~(__u64)(DIRECT_BLOCK - 1) : size;
}

PST_NAME(call)
{
	pst_choose(&names, &paths, call);
	return PST_PASS;
}

PST_PRE(any, call)
{
	struct times *times = times_of_all();
	__u64 number;

	if (!times || !acts(call) || (after_bytes && times->bytes < after_bytes))
		return PST_PASS;
	number = happens(times);
	if (!number)
		return PST_PASS;
	wait(call, number);
	return fail();
}

PST_PRE(read, call)
{
	struct times *times = times_of_all();
	__u64 number, size;

	if (!times || !acts(call) || (after_bytes && times->bytes < after_bytes))
		return PST_PASS;
	number = happens(times);
	if (!number)
		return PST_PASS;
	size = whole(shorten, call->in.read.flags);
	if (size && call->in.read.size > size)
		call->in.read.size = size;
	wait(call, number);
	return fail();
}

/*
 * Makes a write end after so many bytes. Not a writeback of a mapping, because the kernel ignores
 * how much of it was written, and never asks again for the rest.
 */
static __always_inline int cut(struct pst_call *call, __u64 size)
{
	if (call->in.write.write_flags & FUSE_WRITE_CACHE)
		return 0;
	call->data_len = call->in.write.size = size;
	return 1;
}

/* Returns how many bytes of a torn write reach the file. */
static __always_inline __u64 torn_size(__u64 number, __u64 size, __u32 flags)
{
	__u64 kept = torn;

	if (kept && is(part, "random"))
		kept *= draw(number, USE_PART, (size - 1) / kept + 1);
	return kept < size ? whole(kept, flags) : size;
}

/* Makes fewer bytes reach the file, and notes for the program after the write what it wanted. */
static __always_inline int tear(struct pst_call *call, __u64 number)
{
	__u32 size = call->data_len;
	__u64 kept;

	if (!size)
		return PST_PASS;
	kept = torn_size(number, size, call->in.write.flags);
	if (!kept) {
		if (error.number || is(result, "short"))
			return error.number ? -error.number : -EIO;
		call->out.write.size = size;
		return PST_DONE;
	}
	if (kept < size && cut(call, kept))
		call->note[0] = size;
	return PST_PASS;
}

/* Counts the bytes, and returns whether there was room for at least one of them. */
static __always_inline int has_room(struct pst_call *call, struct times *times)
{
	__u64 size = call->data_len, sum, room;

	if (!after_bytes)
		return 0;
	sum = add(&times->bytes, size);
	if (sum <= after_bytes)
		return 1;
	if (sum - size >= after_bytes)
		return 0;
	room = whole(after_bytes - (sum - size), call->in.write.flags);
	return room && cut(call, room);
}

PST_PRE(write, call)
{
	struct times *times = times_of_all();
	__u64 number, size;

	if (!times || !acts(call) || has_room(call, times))
		return PST_PASS;
	number = happens(times);
	if (!number)
		return PST_PASS;
	wait(call, number);
	if (torn >= 0)
		return tear(call, number);
	size = whole(shorten, call->in.write.flags);
	if (size && call->data_len > size)
		cut(call, size);
	return fail();
}

PST_POST(write, call)
{
	if (call->error || !call->note[0])
		return PST_PASS;
	if (error.number)
		return -error.number;
	if (!is(result, "short"))
		call->out.write.size = call->note[0];
	return PST_PASS;
}
