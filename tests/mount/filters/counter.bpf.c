// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Counts lookups in the first element of a map. The second element is the step, 1 if it is 0. Tests
 * read and write both.
 */
#include <penstock/filter.bpf.h>

PST_FILTER(0, "counts lookups");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} lookups SEC(".maps");

PST_PRE(lookup, call)
{
	__u32 at = 0, step_at = 1;
	__u64 *n = bpf_map_lookup_elem(&lookups, &at);
	__u64 *step = bpf_map_lookup_elem(&lookups, &step_at);

	if (n && step)
		__sync_fetch_and_add(n, *step ? *step : 1);
	return PST_PASS;
}
