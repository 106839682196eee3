// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Helpers that need no kernel, with the results of those of the kernel. bpf_loop() and
 * bpf_for_each_map_elem() are instructions (run.c). No state but that of maps.
 */
#include "machine/helper.h"
#include "machine/run.h"

#include <errno.h>
#include <linux/bpf.h>
#include <sched.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

/* Bytes that count as one step where a helper copies or compares them. */
#define BYTES_PER_STEP 16

static uint64_t fail(struct run *run, const char *why)
{
	run->why = why;
	return 0;
}

/* Returns size bytes that the program may read, or NULL. No bytes are nowhere, so always there. */
static const char *bytes_at(const struct run *run, uint64_t address, uint64_t size)
{
	if (size > UINT32_MAX)
		return NULL;
	return size ? run_place(run, address, (uint32_t)size, false) : "";
}

unsigned int run_cpu(struct run *run, const struct map *map)
{
	if (!map_is_per_cpu(map))
		return 0;
	if (run->cpu < 0)
		run->cpu = sched_getcpu();
	/* A CPU that was added later shares values with another. */
	return run->cpu < 0 ?
		       0 :
		       (unsigned int)run->cpu % ((map->stride - map->value_at) / map->value_room);
}

/* -- maps -------------------------------------------------------------------------------------- */

/* Returns the key of a map at an address, or NULL. */
static const char *key_at(struct run *run, const struct map *map, uint64_t address)
{
	const char *key = NULL;

	/* A ring has no keys. */
	if (map && map->of.key_size)
		key = run_place(run, address, map->of.key_size, false);
	if (!key)
		fail(run, "gives a helper something else than a map and a key");
	return key;
}

static uint64_t address_of(const struct map *map, int64_t at)
{
	return at < 0 ? 0 : map->address + (uint64_t)at;
}

static uint64_t lookup(struct run *run, const uint64_t arg[5])
{
	struct map *map = run_map(run, arg[0]);
	const char *key = key_at(run, map, arg[1]);
	uint32_t slot;

	if (!key)
		return 0;
	if (map->of.is_calls) {
		memcpy(&slot, key, sizeof(slot));
		return slot == run->slot && run->regions[RUN_CALL].size ? RUN_ADDRESS(RUN_CALL) : 0;
	}
	return address_of(map, map_find(map, key, run_cpu(run, map)));
}

static uint64_t lookup_percpu(struct run *run, const uint64_t arg[5])
{
	struct map *map = run_map(run, arg[0]);
	const char *key = key_at(run, map, arg[1]);
	uint32_t cpu = (uint32_t)arg[2];

	if (!key || !map_is_per_cpu(map))
		return 0;
	if (cpu >= (map->stride - map->value_at) / map->value_room)
		return 0;
	return address_of(map, map_find(map, key, cpu));
}

static uint64_t update(struct run *run, const uint64_t arg[5])
{
	struct map *map = run_map(run, arg[0]);
	const char *key = key_at(run, map, arg[1]), *value;

	if (!key)
		return 0;
	value = run_place(run, arg[2], map->of.value_size, false);
	if (!value || map->of.is_calls)
		return fail(run, "gives a helper something else than a value of the map");
	run->cost = map->stride / BYTES_PER_STEP;
	return (uint64_t)map_store(map, key, value, arg[3], run_cpu(run, map));
}

static uint64_t delete (struct run *run, const uint64_t arg[5])
{
	struct map *map = run_map(run, arg[0]);
	const char *key = key_at(run, map, arg[1]);

	return key ? (uint64_t)map_remove(map, key) : 0;
}

/* -- rings ------------------------------------------------------------------------------------- */

static struct map *ring_of(struct run *run, uint64_t pointer)
{
	struct map *map = run_map(run, pointer);

	if (map && map->of.type == BPF_MAP_TYPE_RINGBUF)
		return map;
	fail(run, "gives a helper something else than a ring");
	return NULL;
}

static uint64_t ring_output(struct run *run, const uint64_t arg[5])
{
	struct map *ring = ring_of(run, arg[0]);
	const char *data = bytes_at(run, arg[1], arg[2]);
	int64_t at;

	if (!ring)
		return 0;
	if (!data)
		return fail(run, "gives a helper memory that it cannot read");
	if (arg[3] & ~(uint64_t)(BPF_RB_NO_WAKEUP | BPF_RB_FORCE_WAKEUP))
		return (uint64_t)-EINVAL;
	at = map_reserve(ring, arg[2]);
	if (at < 0)
		return (uint64_t)-EAGAIN;
	run->cost = (int64_t)(arg[2] / BYTES_PER_STEP);
	memmove(ring->region.base + at, data, arg[2]);
	return 0;
}

static uint64_t ring_reserve(struct run *run, const uint64_t arg[5])
{
	struct map *ring = ring_of(run, arg[0]);

	return ring && !arg[2] ? address_of(ring, map_reserve(ring, arg[1])) : 0;
}

/* Nobody reads the ring, so there is nothing to do for bpf_ringbuf_submit() and _discard(). */
static uint64_t ring_submit(struct run *run, const uint64_t arg[5])
{
	(void)run;
	(void)arg;
	return 0;
}

static uint64_t ring_query(struct run *run, const uint64_t arg[5])
{
	struct map *ring = ring_of(run, arg[0]);

	if (!ring)
		return 0;
	switch (arg[1]) {
	case BPF_RB_AVAIL_DATA:
	case BPF_RB_PROD_POS:
		return ring->produced;
	case BPF_RB_RING_SIZE:
		return ring->of.max_entries;
	default:
		return 0;
	}
}

/* -- the rest ---------------------------------------------------------------------------------- */

static uint64_t clock_of(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint64_t ktime(struct run *run, const uint64_t arg[5])
{
	(void)run;
	(void)arg;
	return clock_of(CLOCK_MONOTONIC);
}

static uint64_t ktime_boot(struct run *run, const uint64_t arg[5])
{
	(void)run;
	(void)arg;
	return clock_of(CLOCK_BOOTTIME);
}

static uint64_t ktime_coarse(struct run *run, const uint64_t arg[5])
{
	(void)run;
	(void)arg;
	return clock_of(CLOCK_MONOTONIC_COARSE);
}

static uint64_t random_number(struct run *run, const uint64_t arg[5])
{
	static __thread uint64_t state;

	(void)run;
	(void)arg;
	while (!state)
		if (getrandom(&state, sizeof(state), 0) < 0)
			state = clock_of(CLOCK_MONOTONIC);
	/* Marsaglia's xorshift64*, whose high half is the better one. */
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * 0x2545f4914f6cdd1dULL >> 32;
}

static uint64_t processor(struct run *run, const uint64_t arg[5])
{
	(void)arg;
	if (run->cpu < 0)
		run->cpu = sched_getcpu();
	return (uint64_t)run->cpu;
}

/* Compares a text in a buffer of arg[1] bytes with another text. */
static uint64_t text_compare(struct run *run, const uint64_t arg[5])
{
	uint32_t size = (uint32_t)arg[1];
	const char *a = bytes_at(run, arg[0], size);

	for (uint32_t i = 0; a && i < size; i++) {
		const unsigned char *b = (unsigned char *)run_place(run, arg[2] + i, 1, false);
		unsigned char c = (unsigned char)a[i];

		run->cost++;
		if (!b)
			a = NULL;
		else if (c != *b)
			return c < *b ? (uint64_t)-1 : 1;
		else if (!c)
			return 0;
	}
	return a ? 0 : fail(run, "gives a helper memory that it cannot read");
}

static const helper_fn helpers[] = {
	[BPF_FUNC_map_lookup_elem] = lookup,
	[BPF_FUNC_map_update_elem] = update,
	[BPF_FUNC_map_delete_elem] = delete,
	[BPF_FUNC_map_lookup_percpu_elem] = lookup_percpu,
	[BPF_FUNC_ktime_get_ns] = ktime,
	[BPF_FUNC_ktime_get_boot_ns] = ktime_boot,
	[BPF_FUNC_ktime_get_coarse_ns] = ktime_coarse,
	[BPF_FUNC_get_prandom_u32] = random_number,
	[BPF_FUNC_get_smp_processor_id] = processor,
	[BPF_FUNC_strncmp] = text_compare,
	[BPF_FUNC_ringbuf_output] = ring_output,
	[BPF_FUNC_ringbuf_reserve] = ring_reserve,
	[BPF_FUNC_ringbuf_submit] = ring_submit,
	[BPF_FUNC_ringbuf_discard] = ring_submit,
	[BPF_FUNC_ringbuf_query] = ring_query,
};

helper_fn helper_find(int32_t number)
{
	return number >= 0 && (size_t)number < sizeof(helpers) / sizeof(helpers[0]) ?
		       helpers[number] :
		       NULL;
}
