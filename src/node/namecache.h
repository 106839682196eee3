/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Maps names to the nodeids that the last replies gave for them, because a request that removes a
 * name does not say which file has the name. Only a hint: an entry may be out of date, or may have
 * been replaced by another name. Lock-free; a hash table of fixed size without chains.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct node;

#define NAMECACHE_SIZE (1u << 14)

/* All zero: no name is known. */
struct namecache {
	struct namecache_place {
		_Atomic uint64_t id;
		_Atomic uint64_t check; /* id ^ hash of directory and name */
	} places[NAMECACHE_SIZE];
};

/* Instead of a nodeid: the name does not exist; nothing is known of the name. */
#define NAMECACHE_ABSENT  0ULL
#define NAMECACHE_UNKNOWN UINT64_MAX

void namecache_put(struct namecache *names, const struct node *dir, const char *name, uint64_t id);
/* True if the name is known; *ret_id may be NAMECACHE_ABSENT. */
bool namecache_find(struct namecache *names, const struct node *dir, const char *name,
		    uint64_t *ret_id);
