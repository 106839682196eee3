/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The maps of a machine. The values of a map, and the keys of a hash, lie in one region that
 * programs can read and write. The machine keeps all that it relies on elsewhere, so a program can
 * damage only what it has stored.
 */
#include "machine/machine.h"

#include <linux/bpf.h>

/* Memory that programs can reach. */
struct region {
	char *base;
	uint32_t size;       /* bytes that can be read */
	uint32_t write_size; /* bytes that can be written: size, or 0 */
};

struct map_hash;

struct map {
	struct machine_map of;     /* content is NULL */
	struct region region;      /* owned; empty for the map of calls */
	uint64_t address;          /* of the region's first byte, for programs */
	uint32_t value_at;         /* bytes of an element before its values */
	uint32_t value_room;       /* bytes from one value of an element to the next */
	uint32_t stride;           /* bytes of an element */
	struct map_hash *hash;     /* owned; NULL if the map is no hash */
	_Atomic uint64_t produced; /* of a ring: bytes of all records */
};

/* Returns whether each CPU has a value of its own. */
static inline bool map_is_per_cpu(const struct map *map)
{
	return map->of.type == BPF_MAP_TYPE_PERCPU_ARRAY ||
	       map->of.type == BPF_MAP_TYPE_PERCPU_HASH ||
	       map->of.type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

/*
 * Makes a map, and adds its bytes to *bytes, the sum for all maps. Returns 0, or -errno and
 * *ret_why, which follows the name of the map. In both cases the caller must call map_fini().
 */
int map_init(struct map *map, const struct machine_map *of, uint64_t *bytes, const char **ret_why);
void map_fini(struct map *map);

/*
 * These take a key of key_size bytes, and the number of the CPU, or 0 if the map is not per CPU.
 * map_find() returns the offset of the value in the region, or -1. map_store() and map_remove()
 * return 0 or -errno as the kernel's helpers do.
 */
int64_t map_find(struct map *map, const void *key, unsigned int cpu);
int map_store(struct map *map, const void *key, const void *value, uint64_t flags,
	      unsigned int cpu);
int map_remove(struct map *map, const void *key);
/* Returns the number of the first element from number i on, or -1 if there is none. */
int64_t map_next(struct map *map, uint32_t i);

/*
 * Takes size bytes of a ring, which nobody reads, so that it only fills. Returns the offset of the
 * record in the region, or -1 if the ring is full.
 */
int64_t map_reserve(struct map *map, uint64_t size);

/* The part of hashes. */
uint32_t map_hash_elements(const struct machine_map *of);
int map_hash_init(struct map *map);
void map_hash_fini(struct map_hash *hash);
int64_t map_hash_find(struct map *map, const void *key);
int map_hash_store(struct map *map, const void *key, const void *value, uint64_t flags,
		   unsigned int cpu);
int map_hash_remove(struct map *map, const void *key);
int64_t map_hash_next(struct map *map, uint32_t i);
