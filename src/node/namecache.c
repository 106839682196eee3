// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The cache of names. A new name overwrites the name in its place. No locks: if the two words of a
 * place do not match, because two threads have written it at the same time, the place is empty.
 */
#include "node/namecache.h"
#include "node/node.h"
#include "util/hash.h"

#include <string.h>

static uint64_t key_of(const struct node *dir, const char *name)
{
	return hash_bytes(dir->id, name, strlen(name)) | 1;
}

void namecache_put(struct namecache *names, const struct node *dir, const char *name, uint64_t id)
{
	uint64_t key = key_of(dir, name);
	struct namecache_place *place = &names->places[key >> 32 & (NAMECACHE_SIZE - 1)];

	atomic_store_explicit(&place->id, id, memory_order_relaxed);
	atomic_store_explicit(&place->check, id ^ key, memory_order_relaxed);
}

bool namecache_find(struct namecache *names, const struct node *dir, const char *name,
		    uint64_t *ret_id)
{
	uint64_t key = key_of(dir, name);
	struct namecache_place *place = &names->places[key >> 32 & (NAMECACHE_SIZE - 1)];
	uint64_t id = atomic_load_explicit(&place->id, memory_order_relaxed);

	if ((atomic_load_explicit(&place->check, memory_order_relaxed) ^ id) != key ||
	    id == NAMECACHE_UNKNOWN)
		return false;
	*ret_id = id;
	return true;
}
