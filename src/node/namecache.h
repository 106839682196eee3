/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Maps names to the nodeids of the last replies for these names, because a request that removes a
 * name does not contain the nodeid of the file. Only a hint: an entry may be out of date, or
 * another name may have overwritten it. A hash table of fixed size without chains. No locks.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct node;

#define NAMECACHE_SIZE (1u << 14)

/* All zero for an empty cache. */
struct namecache {
	struct namecache_place {
		_Atomic uint64_t id;
		_Atomic uint64_t check; /* id ^ hash of directory and name */
	} places[NAMECACHE_SIZE];
};

/* Values instead of a nodeid: the name does not exist; the cache does not know the name. */
#define NAMECACHE_ABSENT  0ULL
#define NAMECACHE_UNKNOWN UINT64_MAX

void namecache_put(struct namecache *names, const struct node *dir, const char *name, uint64_t id);
/* Returns true and *ret_id, which may be NAMECACHE_ABSENT, if the cache knows the name. */
bool namecache_find(struct namecache *names, const struct node *dir, const char *name,
		    uint64_t *ret_id);
