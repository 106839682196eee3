/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The descriptor cache: O_PATH descriptors of nodes, as many as the budget allows. A reference pins
 * a descriptor. The cache closes the least recently used descriptors. It closes descriptors of
 * regular files after a second without use: otherwise the lower file system could not free the
 * space of files that another process has deleted. Any thread may call these functions.
 */
#include <stdbool.h>

struct fdcache;
struct fdent;
struct node;
struct nodetab;

/* A pinned descriptor. Declared as _cleanup_(fdref_putp) struct fdref ref = FDREF_NONE. */
struct fdref {
	int fd;
	struct fdent *ent; /* NULL if fd is not in the cache, and fdref_putp() closes it */
};
#define FDREF_NONE ((struct fdref){ .fd = -1 })

/* want_tick() makes the daemon call fdcache_reap() once a second until that returns false. */
struct fdcache_host {
	void *aux;
	void (*want_tick)(void *aux);
};

/*
 * Creates a cache of at most budget descriptors. Borrows tab, copies *host. Returns 0 or -ENOMEM.
 */
int fdcache_new(unsigned int budget, struct nodetab *tab, const struct fdcache_host *host,
		struct fdcache **ret_cache);
struct fdcache *fdcache_free(struct fdcache *cache);
/* Returns the number of descriptors in the cache. */
unsigned int fdcache_count(struct fdcache *cache);

/*
 * Pins the node's descriptor; opens the file by handle if the cache has no descriptor. Returns 0,
 * -ESTALE if the file does not exist any more, -EOPNOTSUPP if the node has no lower file, or
 * another -errno. The caller passes *ret_ref to fdref_putp().
 */
int fdref_get(struct fdcache *cache, struct node *node, struct fdref *ret_ref);
void fdref_putp(struct fdref *ref);
/* Puts fd, an O_PATH descriptor of the node, into the cache, or closes it. Takes ownership. */
void fdcache_offer(struct fdcache *cache, struct node *node, int fd);
/* As fdcache_offer(), but replaces a descriptor of the node that is neither pinned nor kept. */
void fdcache_replace(struct fdcache *cache, struct node *node, int fd);

/* Closes the node's descriptor unless it is pinned. Returns false if it is pinned. */
bool fdcache_close(struct fdcache *cache, struct node *node);
/* Closes the descriptor of a node that is being freed. Waits for threads that pin it by mistake. */
void fdcache_drop(struct fdcache *cache, struct node *node);
/*
 * Closes descriptors of regular files that were not used since the last call. Returns true if it
 * has to be called again.
 */
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
