// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Hashes. An element has a number; its key and values lie in the region of the map, its links here.
 *
 * A value that is replaced gets another element, so that a program that reads the old value does
 * not see half of the new one. An element that was freed is used again after FREE_MIN others have
 * been freed, or if no other is left.
 *
 * Locking: the lock of the hash guards all links and states. Values have no lock.
 */
#include "machine/map.h"
#include "util/cleanup.h"
#include "util/hash.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#define FREE_MIN 128u
#define NONE     UINT32_MAX

enum link_state { LINK_FREE, LINK_USED, LINK_USED_LATELY };

struct link {
	uint32_t next; /* plus 1; 0 for the last: fresh memory is empty */
	uint32_t hash;
	uint32_t state; /* enum link_state */
};

struct map_hash {
	pthread_mutex_t lock;
	uint64_t seed;
	bool evicts;
	uint32_t n_elements, mask;
	uint32_t n;                             /* elements in use */
	uint32_t n_fresh;                       /* elements that have ever been used */
	uint32_t n_free, first_free, last_free; /* a queue of freed elements, plus 1 */
	uint32_t hand;                          /* the next element to look at for one to evict */
	uint32_t *buckets;                      /* plus 1 */
	struct link *links;
	size_t memory_size;
	void *memory; /* of buckets and links; owned */
};

uint32_t map_hash_elements(const struct machine_map *of)
{
	return of->max_entries > UINT32_MAX - FREE_MIN ? UINT32_MAX : of->max_entries + FREE_MIN;
}

int map_hash_init(struct map *map)
{
	struct map_hash *hash = calloc(1, sizeof(*hash));
	uint32_t n = map_hash_elements(&map->of), n_buckets = 1;

	if (!hash)
		return -ENOMEM;
	pthread_mutex_init(&hash->lock, NULL);
	map->hash = hash;
	hash->n_elements = n;
	hash->evicts = map->of.type == BPF_MAP_TYPE_LRU_HASH ||
		       map->of.type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
	while (n_buckets < n)
		n_buckets *= 2;
	hash->mask = n_buckets - 1;
	hash->memory_size = n_buckets * sizeof(*hash->buckets) + n * sizeof(*hash->links);
	hash->memory = mmap(NULL, hash->memory_size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (hash->memory == MAP_FAILED) {
		hash->memory = NULL;
		return -ENOMEM;
	}
	hash->buckets = hash->memory;
	hash->links = (struct link *)(hash->buckets + n_buckets);
	/* Programs choose keys, and callers may choose what programs use as keys. */
	return getrandom(&hash->seed, sizeof(hash->seed), 0) == sizeof(hash->seed) ? 0 : -EIO;
}

void map_hash_fini(struct map_hash *hash)
{
	if (!hash)
		return;
	if (hash->memory)
		munmap(hash->memory, hash->memory_size);
	pthread_mutex_destroy(&hash->lock);
	free(hash);
}

static void unlockp(pthread_mutex_t **lock)
{
	pthread_mutex_unlock(*lock);
}

#define LOCK(hash)                                                                                 \
	_cleanup_(unlockp) __attribute__((unused)) pthread_mutex_t *locked_ = &(hash)->lock;       \
	pthread_mutex_lock(locked_)

static char *key_of(const struct map *map, uint32_t i)
{
	return map->region.base + (size_t)i * map->stride;
}

/* -- elements, with the lock held -------------------------------------------------------------- */

static uint32_t find_locked(const struct map *map, const void *key, uint32_t h)
{
	const struct map_hash *hash = map->hash;

	for (uint32_t at = hash->buckets[h & hash->mask]; at; at = hash->links[at - 1].next)
		if (hash->links[at - 1].hash == h &&
		    memcmp(key_of(map, at - 1), key, map->of.key_size) == 0)
			return at - 1;
	return NONE;
}

static void unlink_locked(struct map_hash *hash, uint32_t i)
{
	struct link *link = &hash->links[i];
	uint32_t *at = &hash->buckets[link->hash & hash->mask];

	while (*at != i + 1)
		at = &hash->links[*at - 1].next;
	*at = link->next;
	*link = (struct link){ .state = LINK_FREE };
	if (hash->last_free)
		hash->links[hash->last_free - 1].next = i + 1;
	else
		hash->first_free = i + 1;
	hash->last_free = i + 1;
	hash->n_free++;
	hash->n--;
}

/* Takes an element. There is always one, because there are more elements than entries. */
static uint32_t take_locked(struct map_hash *hash)
{
	uint32_t i;

	if (hash->n_free < FREE_MIN && hash->n_fresh < hash->n_elements)
		return hash->n_fresh++;
	i = hash->first_free - 1;
	hash->first_free = hash->links[i].next;
	if (!hash->first_free)
		hash->last_free = 0;
	hash->n_free--;
	return i;
}

/* Frees an element that was not used lately. */
static void evict_locked(struct map_hash *hash)
{
	for (;; hash->hand++) {
		struct link *link;

		if (hash->hand >= hash->n_fresh)
			hash->hand = 0;
		link = &hash->links[hash->hand];
		if (link->state == LINK_USED) {
			unlink_locked(hash, hash->hand);
			return;
		}
		if (link->state == LINK_USED_LATELY)
			link->state = LINK_USED;
	}
}

/*
 * Adds an element. The values of other CPUs are zero. key and value may lie in the element, because
 * a program may use pointers to an element that it has removed.
 */
static void add_locked(struct map *map, const void *key, uint32_t h, const void *value,
		       unsigned int cpu)
{
	struct map_hash *hash = map->hash;
	uint32_t i = take_locked(hash), *bucket = &hash->buckets[h & hash->mask];
	char *element = key_of(map, i);

	char *values = element + map->value_at, *own = values + cpu * (size_t)map->value_room;

	memmove(element, key, map->of.key_size);
	memmove(own, value, map->of.value_size);
	memset(values, 0, (size_t)(own - values));
	own += map->value_room;
	memset(own, 0, (size_t)(element + map->stride - own));
	hash->links[i] = (struct link){ .next = *bucket, .hash = h, .state = LINK_USED };
	*bucket = i + 1;
	hash->n++;
}

/* -- map.h ------------------------------------------------------------------------------------- */

static uint32_t hash_of(const struct map *map, const void *key)
{
	return (uint32_t)hash_bytes(map->hash->seed, key, map->of.key_size);
}

int64_t map_hash_find(struct map *map, const void *key)
{
	struct map_hash *hash = map->hash;
	uint32_t h = hash_of(map, key), i;
	LOCK(hash);

	i = find_locked(map, key, h);
	if (i == NONE)
		return -1;
	hash->links[i].state = LINK_USED_LATELY;
	return i;
}

int map_hash_store(struct map *map, const void *key, const void *value, uint64_t flags,
		   unsigned int cpu)
{
	struct map_hash *hash = map->hash;
	uint32_t h = hash_of(map, key), i;
	LOCK(hash);

	i = find_locked(map, key, h);
	if (i == NONE && flags == BPF_EXIST)
		return -ENOENT;
	if (i != NONE && flags == BPF_NOEXIST)
		return -EEXIST;
	if (i != NONE && map_is_per_cpu(map)) {
		memmove(key_of(map, i) + map->value_at + cpu * (size_t)map->value_room, value,
			map->of.value_size);
		return 0;
	}
	if (i == NONE && hash->n >= map->of.max_entries) {
		if (!hash->evicts || !hash->n)
			return -E2BIG;
		evict_locked(hash);
	}
	add_locked(map, key, h, value, cpu);
	if (i != NONE)
		unlink_locked(hash, i);
	return 0;
}

int map_hash_remove(struct map *map, const void *key)
{
	struct map_hash *hash = map->hash;
	uint32_t h = hash_of(map, key), i;
	LOCK(hash);

	i = find_locked(map, key, h);
	if (i == NONE)
		return -ENOENT;
	unlink_locked(hash, i);
	return 0;
}

int64_t map_hash_next(struct map *map, uint32_t i)
{
	struct map_hash *hash = map->hash;
	LOCK(hash);

	for (; i < hash->n_fresh; i++)
		if (hash->links[i].state != LINK_FREE)
			return i;
	return -1;
}
