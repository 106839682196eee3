/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The descriptor cache: O_PATH descriptors of nodes, as many as the budget allows. A reference pins
 * the descriptor. The cache closes the least recently used ones, and those of regular files after a
 * second without use, so that the space of files that are deleted below is freed.
 */
#include <stdbool.h>

struct fdcache;
struct fdent;
struct node;
struct nodetab;

/* A pinned descriptor. Declared as _cleanup_(fdref_putp) struct fdref ref = FDREF_NONE. */
struct fdref {
	int fd;
	struct fdent *ent; /* NULL: not in the cache, closed by fdref_putp() */
};
#define FDREF_NONE ((struct fdref){ .fd = -1 })

/* want_tick() asks for fdcache_reap() about once a second, until that returns false. */
struct fdcache_host {
	void *aux;
	void (*want_tick)(void *aux);
};

/* budget: the number of descriptors. 0 or -ENOMEM. */
int fdcache_new(unsigned int budget, struct nodetab *tab, const struct fdcache_host *host,
		struct fdcache **ret_cache);
struct fdcache *fdcache_free(struct fdcache *cache);
unsigned int fdcache_count(struct fdcache *cache);

/*
 * Returns 0 and a pinned descriptor of the node, which it opens by handle if the cache has none; or
 * -errno (-ESTALE: the file is gone).
 */
int fdref_get(struct fdcache *cache, struct node *node, struct fdref *ret_ref);
void fdref_putp(struct fdref *ref);
/* Puts a descriptor of the node into the cache, or closes it. Takes fd. */
void fdcache_offer(struct fdcache *cache, struct node *node, int fd);

/* Closes the node's descriptor unless it is pinned. */
void fdcache_let_go(struct fdcache *cache, struct node *node);
/* Closes the descriptor of a node that is being freed; waits for pins of late finders. */
void fdcache_drop(struct fdcache *cache, struct node *node);
/* Closes descriptors of regular files not used since the last call; true while any are left. */
bool fdcache_reap(struct fdcache *cache);
/* Closes all descriptors that are not pinned: for when the process runs out of descriptors. */
void fdcache_trim(struct fdcache *cache);
/*
 * Keeps the node's descriptor, because one of its names is about to be removed or was: a file
 * without names cannot be opened by its handle once no process has it open. fdcache_reap() releases
 * it if the file still has a name. At most half of the budget is kept: returns false if that is
 * used up.
 */
bool fdcache_keep(struct fdcache *cache, struct node *node);
