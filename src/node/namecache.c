// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Maps names to nodes, because a request that removes a name does not say which file has the name.
 *
 * A hash table of fixed size without chains: a name replaces the one that had its place. No locks:
 * the two words of a place must fit together, or the place counts as empty.
 */
#include "node/namecache.h"
#include "node/node.h"
#include "util/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define N_PLACES (1u << 14)

struct namecache {
	struct place {
		_Atomic uint64_t id;
		_Atomic uint64_t check; /* id ^ the name's key */
	} places[N_PLACES];
};

int namecache_new(struct namecache **ret_names)
{
	/* Memory comes when it is written to. */
	struct namecache *names = calloc(1, sizeof(*names));

	if (!names)
		return -ENOMEM;
	*ret_names = names;
	return 0;
}

struct namecache *namecache_free(struct namecache *names)
{
	free(names);
	return NULL;
}

static uint64_t key_of(const struct node *dir, const char *name)
{
	return hash_bytes(dir->id, name, strlen(name)) | 1;
}

void namecache_put(struct namecache *names, const struct node *dir, const char *name, uint64_t id)
{
	uint64_t key = key_of(dir, name);
	struct place *place = &names->places[key >> 32 & (N_PLACES - 1)];

	atomic_store_explicit(&place->id, id, memory_order_relaxed);
	atomic_store_explicit(&place->check, id ^ key, memory_order_relaxed);
}

bool namecache_find(struct namecache *names, const struct node *dir, const char *name,
		    uint64_t *ret_id)
{
	uint64_t key = key_of(dir, name);
	struct place *place = &names->places[key >> 32 & (N_PLACES - 1)];
	uint64_t id = atomic_load_explicit(&place->id, memory_order_relaxed);

	if ((atomic_load_explicit(&place->check, memory_order_relaxed) ^ id) != key ||
	    id == NAMECACHE_UNKNOWN)
		return false;
	*ret_id = id;
	return true;
}
