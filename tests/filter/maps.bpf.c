// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* Counts in a map that can be pinned. */
#include <penstock/filter.bpf.h>

PST_FILTER(0, "counts lookups");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} count SEC(".maps");

PST_PRE(lookup, call)
{
	__u32 zero = 0;
	__u64 *n = bpf_map_lookup_elem(&count, &zero);

	if (n)
		__sync_fetch_and_add(n, 1);
	return PST_PASS;
}
