/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The descriptor cache: O_PATH descriptors of nodes, as many as the budget allows. A reference pins
 * a descriptor. The cache closes the least recently used ones, and those of regular files after a
 * second without use, so that the lower file system can free the space of files deleted below.
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

/* budget: the number of descriptors; host is copied. Returns 0 or -ENOMEM. */
int fdcache_new(unsigned int budget, struct nodetab *tab, const struct fdcache_host *host,
		struct fdcache **ret_cache);
struct fdcache *fdcache_free(struct fdcache *cache);
/* Returns the number of descriptors in the cache. */
unsigned int fdcache_count(struct fdcache *cache);

/*
 * Pins the node's descriptor; opens it by handle if the cache has none. Returns 0 or -errno
 * (-ESTALE: the file does not exist any more).
 */
int fdref_get(struct fdcache *cache, struct node *node, struct fdref *ret_ref);
void fdref_putp(struct fdref *ref);
/* Puts an O_PATH descriptor of the node into the cache, or closes it. Takes fd. */
void fdcache_offer(struct fdcache *cache, struct node *node, int fd);

/* Closes the node's descriptor unless it is pinned. Returns false if it is pinned. */
bool fdcache_close(struct fdcache *cache, struct node *node);
/* Closes the descriptor of a node that is being freed. Waits for threads that pin it by mistake. */
void fdcache_drop(struct fdcache *cache, struct node *node);
/* Closes descriptors of regular files not used since the last call. True: call again later. */
bool fdcache_reap(struct fdcache *cache);
/* Closes all descriptors that are not pinned, because the process ran out of descriptors. */
void fdcache_trim(struct fdcache *cache);
/*
 * Keeps the node's descriptor, because one of its names is about to be removed or was removed: a
 * file without names cannot be opened by its handle once no process has it open. If the file still
 * has a name, fdcache_reap() makes the descriptor an ordinary one again. Returns false if half of
 * the budget is kept already.
 */
bool fdcache_keep(struct fdcache *cache, struct node *node);
