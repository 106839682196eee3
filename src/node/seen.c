// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Which node a name led to when the kernel was last told: a request that removes a name does not say which
 * file the name is of.
 *
 * A table of fixed size, in which a name has one place and gives way to the next one with that place. There
 * are no locks: the two words of a place fit together or the place counts as empty.
 */
#include "node/node.h"
#include "util/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define N_PLACES (1u << 14)

struct seen {
	struct place {
		_Atomic uint64_t id;
		_Atomic uint64_t check; /* id ^ the name's key */
	} places[N_PLACES];
};

int seen_new(struct seen **ret_seen)
{
	/* Memory comes when it is written to. */
	struct seen *seen = calloc(1, sizeof(*seen));

	if (!seen)
		return -ENOMEM;
	*ret_seen = seen;
	return 0;
}

struct seen *seen_free(struct seen *seen)
{
	free(seen);
	return NULL;
}

static uint64_t key_of(const struct node *dir, const char *name)
{
	return hash_bytes(dir->id, name, strlen(name)) | 1;
}

void seen_note(struct seen *seen, const struct node *dir, const char *name, uint64_t id)
{
	uint64_t key = key_of(dir, name);
	struct place *place = &seen->places[key >> 32 & (N_PLACES - 1)];

	atomic_store_explicit(&place->id, id, memory_order_relaxed);
	atomic_store_explicit(&place->check, id ^ key, memory_order_relaxed);
}

bool seen_find(struct seen *seen, const struct node *dir, const char *name, uint64_t *ret_id)
{
	uint64_t key = key_of(dir, name);
	struct place *place = &seen->places[key >> 32 & (N_PLACES - 1)];
	uint64_t id = atomic_load_explicit(&place->id, memory_order_relaxed);

	if ((atomic_load_explicit(&place->check, memory_order_relaxed) ^ id) != key ||
	    id == SEEN_UNKNOWN)
		return false;
	*ret_id = id;
	return true;
}
