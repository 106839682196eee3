// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Maps: arrays, rings, and the common part of hashes (map-hash.c). The memory of a map is taken
 * from the system when it is first written.
 *
 * Locking: none for values, as in the kernel: programs use atomic instructions where they need
 * them. The bytes produced in a ring are atomic.
 */
#include "machine/map.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* All maps of an object may have so many bytes, because there is no other limit. */
#define MAX_BYTES    (1ULL << 30)
#define RECORD_HEAD  8
#define MAX_KEY_SIZE 512

static uint64_t round_up(uint64_t n)
{
	return (n + 7) & ~7ULL;
}

static bool is_hash(const struct machine_map *of)
{
	return of->type == BPF_MAP_TYPE_HASH || of->type == BPF_MAP_TYPE_LRU_HASH ||
	       of->type == BPF_MAP_TYPE_PERCPU_HASH || of->type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

static bool is_array(const struct machine_map *of)
{
	return of->type == BPF_MAP_TYPE_ARRAY || of->type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

/* Returns why the machine has no such map, or NULL. */
static const char *refuses(const struct machine_map *of)
{
	if (of->type == BPF_MAP_TYPE_RINGBUF)
		return of->key_size || of->value_size || of->max_entries < 4096 ||
				       (of->max_entries & (of->max_entries - 1)) ?
			       "has a size that a ring cannot have" :
			       NULL;
	if (!is_array(of) && !is_hash(of))
		return "is of a type that only the kernel has";
	if (!of->value_size || !of->key_size || of->key_size > MAX_KEY_SIZE ||
	    (is_array(of) && of->key_size != sizeof(uint32_t)))
		return "has keys or values of a size that it cannot have";
	return NULL;
}

/* Returns the bytes of all values, or more than MAX_BYTES. */
static uint64_t lay_out(struct map *map)
{
	const struct machine_map *of = &map->of;
	long n_cpus = sysconf(_SC_NPROCESSORS_CONF);
	uint64_t n = is_hash(of) ? map_hash_elements(of) : of->max_entries;
	uint64_t room = round_up(of->value_size);
	uint64_t value_at = is_hash(of) ? round_up(of->key_size) : 0;
	uint64_t stride = value_at + room * (map_is_per_cpu(map) && n_cpus > 1 ? n_cpus : 1);

	if (of->type == BPF_MAP_TYPE_RINGBUF)
		return of->max_entries;
	if (stride > MAX_BYTES)
		return stride;
	map->value_at = (uint32_t)value_at;
	map->value_room = (uint32_t)room;
	map->stride = (uint32_t)stride;
	return n * stride;
}

int map_init(struct map *map, const struct machine_map *of, uint64_t *bytes, const char **ret_why)
{
	uint64_t size;

	*map = (struct map){ .of = *of };
	map->of.content = NULL;
	*ret_why = refuses(of);
	if (*ret_why)
		return -EINVAL;
	if (of->is_calls)
		return 0;
	size = lay_out(map);
	*bytes += size;
	*ret_why = "has more values than the machine has room for (1 GiB for all maps)";
	if (*bytes > MAX_BYTES || of->content_size > size)
		return -E2BIG;
	*ret_why = "finds no memory";
	if (!size)
		return 0;
	map->region.base = mmap(NULL, size, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (map->region.base == MAP_FAILED) {
		map->region.base = NULL;
		return -ENOMEM;
	}
	map->region.size = (uint32_t)size;
	map->region.write_size = of->is_read_only ? 0 : (uint32_t)size;
	if (of->content)
		memcpy(map->region.base, of->content, of->content_size);
	return is_hash(of) ? map_hash_init(map) : 0;
}

void map_fini(struct map *map)
{
	map_hash_fini(map->hash);
	if (map->region.base)
		munmap(map->region.base, map->region.size);
	*map = (struct map){ 0 };
}

/* Returns the number of an element of an array, or -1. */
static int64_t index_of(const struct map *map, const void *key)
{
	uint32_t i;

	memcpy(&i, key, sizeof(i));
	return map->stride && i < map->of.max_entries ? (int64_t)i : -1;
}

int64_t map_find(struct map *map, const void *key, unsigned int cpu)
{
	int64_t i;

	if (map->of.type == BPF_MAP_TYPE_RINGBUF)
		return -1;
	i = map->hash ? map_hash_find(map, key) : index_of(map, key);
	return i < 0 ? -1 : i * map->stride + map->value_at + cpu * (int64_t)map->value_room;
}

int map_store(struct map *map, const void *key, const void *value, uint64_t flags, unsigned int cpu)
{
	/* No value has a lock. In an array the kernel looks for it only when all else is right. */
	uint64_t others = flags & ~(uint64_t)(map->hash ? 0 : BPF_F_LOCK);
	int64_t i;

	if (others > BPF_EXIST || map->of.type == BPF_MAP_TYPE_RINGBUF)
		return -EINVAL;
	if (map->of.is_read_only)
		return -EPERM;
	if (map->hash)
		return map_hash_store(map, key, value, flags, cpu);
	i = index_of(map, key);
	if (i < 0)
		return -E2BIG;
	if (others == BPF_NOEXIST)
		return -EEXIST;
	if (others != flags)
		return -EINVAL;
	memmove(map->region.base + i * map->stride + cpu * (size_t)map->value_room, value,
		map->of.value_size);
	return 0;
}

int map_remove(struct map *map, const void *key)
{
	return map->hash && !map->of.is_read_only ? map_hash_remove(map, key) : -EINVAL;
}

int64_t map_next(struct map *map, uint32_t i)
{
	if (map->hash)
		return map_hash_next(map, i);
	return map->stride && i < map->of.max_entries ? (int64_t)i : -1;
}

int64_t map_reserve(struct map *map, uint64_t size)
{
	uint64_t at = atomic_load(&map->produced), end;

	if (map->of.type != BPF_MAP_TYPE_RINGBUF || size > map->region.size)
		return -1;
	do {
		end = at + round_up(size + RECORD_HEAD);
		/* The kernel, too, leaves one byte free, to tell a full ring from an empty one. */
		if (end > map->region.size - 1)
			return -1;
	} while (!atomic_compare_exchange_weak(&map->produced, &at, end));
	return (int64_t)at + RECORD_HEAD;
}
