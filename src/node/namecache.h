/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The node that a name led to when the kernel was last told. Only a hint: an entry may be out of
 * date, or have been replaced. Lock-free.
 */
#include <stdbool.h>
#include <stdint.h>

struct namecache;
struct node;

/* Instead of a node's id: the name does not exist; forget what is known of it. */
#define NAMECACHE_ABSENT  0ULL
#define NAMECACHE_UNKNOWN UINT64_MAX

int namecache_new(struct namecache **ret_names);
struct namecache *namecache_free(struct namecache *names);
void namecache_put(struct namecache *names, const struct node *dir, const char *name, uint64_t id);
/* True if the name is known; *ret_id may be NAMECACHE_ABSENT. */
bool namecache_find(struct namecache *names, const struct node *dir, const char *name,
		    uint64_t *ret_id);
