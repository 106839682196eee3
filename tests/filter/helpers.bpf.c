// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Gives helpers numbers of 64 bits, also where they take 32, and shows their results of 64 bits.
 * With the prototypes of libbpf the compiler would cut the numbers off.
 */
#include <penstock/filter.bpf.h>

PST_FILTER(0, "gives helpers wide numbers");

static long (*loop)(__u64 n, void *fn, void *aux, __u64 flags) = (void *)BPF_FUNC_loop;
static void *(*lookup_percpu)(void *map, const void *key,
			      __u64 cpu) = (void *)BPF_FUNC_map_lookup_percpu_elem;

#define MAP(NAME, TYPE)                                                                            \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_##TYPE);                                                 \
		__uint(max_entries, 4);                                                            \
		__type(key, __u32);                                                                \
		__type(value, __u64);                                                              \
	} NAME SEC(".maps")

MAP(helpers_array, ARRAY);
MAP(helpers_cpus, PERCPU_ARRAY);
MAP(helpers_hash, HASH);
MAP(helpers_hash_cpus, PERCPU_HASH);

static long count_some(__u64 i, __u64 *sum)
{
	*sum += i;
	return i >= 20;
}

PST_PRE(lookup, call)
{
	__u64 sum = 0;

	call->note[0] = loop(call->cell, count_some, &sum, 0);
	call->note[1] = sum;
	return PST_PASS;
}

PST_PRE(open, call)
{
	__u64 sum = 0;

	call->note[0] = loop(call->cell, count_some, &sum, 1);
	return PST_PASS;
}

static long count_element(void *map, const __u32 *key, __u64 *value, __u64 *sum)
{
	*sum += *value + *key;
	return 0;
}

/* Stores a value with flags that may be wrong, and reads all of them. */
#define STORE(MAP, call)                                                                           \
	do {                                                                                       \
		__u32 key_ = (call)->caller.pid % 6;                                               \
		__u64 value_ = (call)->cell, sum_ = 0;                                             \
                                                                                                   \
		(call)->note[0] = bpf_map_update_elem(&(MAP), &key_, &value_, (call)->child.cell); \
		bpf_for_each_map_elem(&(MAP), count_element, &sum_, 0);                            \
		(call)->note[1] = sum_;                                                            \
	} while (0)

PST_PRE(mkdir, call)
{
	STORE(helpers_array, call);
	return PST_PASS;
}

PST_PRE(rmdir, call)
{
	STORE(helpers_hash, call);
	return PST_PASS;
}

/* Returns whether a CPU has a value. No CPU but the first is sure to be there. */
static __always_inline int has_value(void *map, __u64 cpu)
{
	__u32 key = 1;

	return lookup_percpu(map, &key, cpu & ~0xffffffffULL) != NULL;
}

PST_PRE(unlink, call)
{
	__u32 key = 1;
	__u64 value = call->cell;

	call->note[0] = bpf_map_update_elem(&helpers_cpus, &key, &value, call->child.cell);
	call->note[1] = bpf_map_update_elem(&helpers_hash_cpus, &key, &value, call->child.cell);
	call->child.cell = has_value(&helpers_cpus, call->cell) +
			   2 * has_value(&helpers_hash_cpus, call->cell);
	return PST_PASS;
}
