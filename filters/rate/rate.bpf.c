// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * rate: limits how many bytes a second are read and written in the view, by all callers together.
 *
 *	read=10M	bytes a second
 *	write=1M
 *
 * A read or write takes the time that its bytes need at this rate, and waits for the end of those
 * before it. It gives back the time of bytes that it has not read or written in the end.
 */
#include <penstock/filter.bpf.h>

PST_FILTER(PST_DELAYS | PST_CACHEABLE, "limits how many bytes a second are read and written");

PST_RANGE(__u64, read, 1, 1152921504606846976, "bytes a second that are read (default: no limit)");
PST_RANGE(__u64, write, 1, 1152921504606846976,
	  "bytes a second that are written (default: no limit)");
PST_AT_LEAST_ONE_OF("read write");

#define SECOND 1000000000ULL

/* When the reads and the writes so far end, in nanoseconds of bpf_ktime_get_ns(). */
struct rate_ends {
	__u64 read, write;
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rate_ends);
} rate_state SEC(".maps");

static __always_inline struct rate_ends *state(void)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&rate_state, &key);
}

/*
 * Adds to *end and returns the sum. The attribute lets the compiler use the newer instruction that
 * does both at once.
 */
static __attribute__((noinline, target("alu32"))) __u64 add(__u64 *end, __u64 ns)
{
	return __sync_fetch_and_add(end, ns) + ns;
}

/* Returns the time that bytes take. No request has 4 GiB, so nothing overflows. */
static __always_inline __u64 time_of(__u32 bytes, __u64 rate)
{
	return rate ? bytes * SECOND / rate : 0;
}

/* Takes the time of a request behind those before it, and makes the request wait for them. */
static __always_inline int take(struct pst_call *call, __u64 *end, __u32 bytes, __u64 rate)
{
	__u64 now = bpf_ktime_get_ns(), begin, us;

	if (!rate)
		return PST_PASS;
	/* Time in which nobody read or wrote is not saved up. */
	if (*end < now)
		*end = now;
	begin = add(end, time_of(bytes, rate)) - time_of(bytes, rate);
	us = begin > now ? (begin - now) / 1000 : 0;
	call->delay_us = us > 0xffffffff ? 0xffffffff : us;
	call->note[0] = bytes;
	return PST_PASS;
}

/* Gives back the time of bytes that were not read or written. */
static __always_inline int give_back(struct pst_call *call, __u64 *end, __u32 bytes, __u64 rate)
{
	__u32 taken = call->note[0];

	if (rate && bytes < taken)
		add(end, -time_of(taken - bytes, rate));
	return PST_PASS;
}

PST_PRE(read, call)
{
	struct rate_ends *ends = state();

	return ends ? take(call, &ends->read, call->in.read.size, read) : PST_PASS;
}

PST_POST(read, call)
{
	struct rate_ends *ends = state();

	return ends ? give_back(call, &ends->read, call->error ? 0 : call->data_len, read) :
		      PST_PASS;
}

PST_PRE(write, call)
{
	struct rate_ends *ends = state();

	return ends ? take(call, &ends->write, call->data_len, write) : PST_PASS;
}

PST_POST(write, call)
{
	struct rate_ends *ends = state();

	return ends ? give_back(call, &ends->write, call->error ? 0 : call->out.write.size, write) :
		      PST_PASS;
}
