// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The descriptor cache. Entries are fixed; a node's fd_slot names its entry, an entry its node.
 * Using a cached descriptor takes no lock: pin the entry, then look whether it is still the node's.
 * Filling and emptying entries is done under one lock; an entry with pins is left alone.
 *
 * pins: how many users hold the descriptor; DEAD while the entry is empty or changing hands.
 *
 * kept: the node has lost a name, see fdcache_keep(). The reaper waits for a second tick, since
 * most of these nodes are forgotten at once, and looks then whether there is a name left.
 */
#include "node/fdcache.h"
#include "node/node.h"
#include "util/cleanup.h"
#include "util/cpu.h"
#include "util/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>

#define DEAD (-1)

enum kept { NOT_KEPT, KEPT, KEPT_FOR_A_TICK, KEPT_NAMELESS };

struct fdent {
	_Atomic int pins;
	int fd;                      /* constant while pins is not DEAD */
	_Atomic(struct node *) node; /* constant while pins is not DEAD */
	_Atomic bool used;           /* since the hand or the reaper passed */
	_Atomic uint8_t kept;
};

struct fdcache {
	struct nodetab *tab;
	struct fdcache_host host; /* constant */
	unsigned int n;
	pthread_mutex_t lock; /* guards filling and emptying, and hand */
	unsigned int hand;
	_Atomic unsigned int n_used, n_kept;
	struct fdent ents[]; /* entry 0 is never used */
};

int fdcache_new(unsigned int budget, struct nodetab *tab, const struct fdcache_host *host,
		struct fdcache **ret_cache)
{
	struct fdcache *cache = calloc(1, sizeof(*cache) + (budget + 1) * sizeof(struct fdent));

	if (!cache)
		return -ENOMEM;
	cache->tab = tab;
	cache->host = *host;
	cache->n = budget + 1;
	pthread_mutex_init(&cache->lock, NULL);
	for (unsigned int i = 0; i < cache->n; i++)
		cache->ents[i].pins = DEAD;
	*ret_cache = cache;
	return 0;
}

/* Empties an entry that nobody has pinned; false where somebody has. Caller holds the lock. */
static bool ent_empty(struct fdcache *cache, struct fdent *ent)
{
	uint32_t slot = (uint32_t)(ent - cache->ents);
	int unpinned = 0;
	struct node *node;

	if (!atomic_compare_exchange_strong(&ent->pins, &unpinned, DEAD))
		return false;
	node = atomic_exchange(&ent->node, NULL);
	atomic_compare_exchange_strong(&node->fd_slot, &slot, 0);
	ent->fd = fd_close(ent->fd);
	if (atomic_exchange(&ent->kept, NOT_KEPT))
		cache->n_kept--;
	cache->n_used--;
	return true;
}

struct fdcache *fdcache_free(struct fdcache *cache)
{
	if (!cache)
		return NULL;
	for (unsigned int i = 1; i < cache->n; i++)
		if (cache->ents[i].node)
			ent_empty(cache, &cache->ents[i]);
	pthread_mutex_destroy(&cache->lock);
	free(cache);
	return NULL;
}

/* Pins the node's entry, if it has one. */
static struct fdent *ent_pin(struct fdcache *cache, struct node *node)
{
	uint32_t slot = atomic_load_explicit(&node->fd_slot, memory_order_acquire);
	struct fdent *ent = &cache->ents[slot];
	int pins;

	if (slot == 0)
		return NULL;
	pins = atomic_load_explicit(&ent->pins, memory_order_relaxed);
	do {
		if (pins == DEAD)
			return NULL;
	} while (!atomic_compare_exchange_weak_explicit(
		&ent->pins, &pins, pins + 1, memory_order_acquire, memory_order_relaxed));
	if (atomic_load_explicit(&ent->node, memory_order_relaxed) != node) {
		atomic_fetch_sub_explicit(&ent->pins, 1, memory_order_release);
		return NULL;
	}
	if (!atomic_load_explicit(&ent->used, memory_order_relaxed))
		atomic_store_explicit(&ent->used, true, memory_order_relaxed);
	return ent;
}

/* An empty entry: the hand passes over those used since its last round. Caller holds the lock. */
static struct fdent *ent_find_empty(struct fdcache *cache)
{
	for (unsigned int tries = 0; tries < 2 * cache->n; tries++) {
		struct fdent *ent;

		cache->hand = cache->hand + 1 < cache->n ? cache->hand + 1 : 1;
		ent = &cache->ents[cache->hand];
		if (cache->n == 1)
			return NULL;
		if (!ent->node)
			return ent;
		if (!ent->kept && !atomic_exchange(&ent->used, false) && ent_empty(cache, ent))
			return ent;
	}
	return NULL;
}

/*
 * Puts a descriptor into the cache, pinned once; NULL where there is no room, or it is in already.
 */
static struct fdent *ent_fill(struct fdcache *cache, struct node *node, int fd)
{
	struct fdent *ent = NULL;

	pthread_mutex_lock(&cache->lock);
	if (node->fd_slot == 0)
		ent = ent_find_empty(cache);
	if (ent) {
		ent->fd = fd;
		ent->node = node;
		ent->used = true;
		cache->n_used++;
		atomic_store_explicit(&ent->pins, 1, memory_order_release);
		atomic_store_explicit(&node->fd_slot, (uint32_t)(ent - cache->ents),
				      memory_order_release);
	}
	pthread_mutex_unlock(&cache->lock);
	if (ent && !S_ISDIR(node->type))
		cache->host.want_tick(cache->host.aux);
	return ent;
}

int fdref_get(struct fdcache *cache, struct node *node, struct fdref *ret_ref)
{
	struct fdent *ent;
	int fd;

	if (node->flags & NODE_OWN_FD) {
		/* Lent for as long as the caller's reference to the node lasts. */
		*ret_ref = (struct fdref){ .fd = (int)node->fd_slot, .ent = cache->ents };
		return 0;
	}
	ent = ent_pin(cache, node);
	if (ent) {
		*ret_ref = (struct fdref){ .fd = ent->fd, .ent = ent };
		return 0;
	}
	fd = node_open(cache->tab, node, O_PATH | O_NOFOLLOW);
	if (fd == -EMFILE) {
		fdcache_trim(cache);
		fd = node_open(cache->tab, node, O_PATH | O_NOFOLLOW);
	}
	if (fd < 0)
		return fd;
	*ret_ref = (struct fdref){ .fd = fd, .ent = ent_fill(cache, node, fd) };
	return 0;
}

void fdref_putp(struct fdref *ref)
{
	if (ref->fd < 0)
		return;
	if (!ref->ent)
		fd_close(ref->fd);
	else if (ref->ent->node)
		atomic_fetch_sub_explicit(&ref->ent->pins, 1, memory_order_release);
	ref->fd = -1;
}

void fdcache_offer(struct fdcache *cache, struct node *node, int fd)
{
	struct fdref ref = { .fd = fd };

	if (!(node->flags & NODE_OWN_FD))
		ref.ent = ent_fill(cache, node, fd);
	fdref_putp(&ref);
}

void fdcache_let_go(struct fdcache *cache, struct node *node)
{
	if (node->flags & NODE_OWN_FD)
		return;
	pthread_mutex_lock(&cache->lock);
	if (node->fd_slot)
		ent_empty(cache, &cache->ents[node->fd_slot]);
	pthread_mutex_unlock(&cache->lock);
}

void fdcache_drop(struct fdcache *cache, struct node *node)
{
	uint32_t slot = node->fd_slot;

	if (slot == 0 || (node->flags & NODE_OWN_FD))
		return;
	pthread_mutex_lock(&cache->lock);
	/* A pin can only be that of a finder who was too late and is about to see it. */
	while (node->fd_slot == slot && !ent_empty(cache, &cache->ents[slot]))
		cpu_spin_backoff();
	pthread_mutex_unlock(&cache->lock);
}

bool fdcache_keep(struct fdcache *cache, struct node *node)
{
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;

	if (node->flags & NODE_OWN_FD)
		return true;
	if (cache->n_kept >= cache->n / 2)
		return false;
	/* A file that cannot be opened is gone already. */
	if (fdref_get(cache, node, &ref) < 0 || !ref.ent)
		return true;
	if (!atomic_exchange(&ref.ent->kept, KEPT))
		cache->n_kept++;
	cache->host.want_tick(cache->host.aux);
	return true;
}

/* Caller holds the lock. Returns whether the next tick has to look again. */
static bool kept_look(struct fdcache *cache, struct fdent *ent)
{
	uint8_t kept = ent->kept;
	struct stat st;

	if (kept == KEPT)
		return atomic_compare_exchange_strong(&ent->kept, &kept, KEPT_FOR_A_TICK), true;
	if (kept == KEPT_NAMELESS)
		return false;
	if (fstat(ent->fd, &st) == 0 && st.st_nlink == 0)
		return !atomic_compare_exchange_strong(&ent->kept, &kept, KEPT_NAMELESS);
	if (atomic_compare_exchange_strong(&ent->kept, &kept, NOT_KEPT))
		cache->n_kept--;
	return true;
}

bool fdcache_reap(struct fdcache *cache)
{
	bool left = false;

	pthread_mutex_lock(&cache->lock);
	for (unsigned int i = 1; i < cache->n; i++) {
		struct fdent *ent = &cache->ents[i];

		if (ent->kept && ent->node) {
			left |= kept_look(cache, ent);
			continue;
		}
		if (!ent->node || S_ISDIR(ent->node->type))
			continue;
		if (atomic_exchange(&ent->used, false) || !ent_empty(cache, ent))
			left = true;
	}
	pthread_mutex_unlock(&cache->lock);
	return left;
}

void fdcache_trim(struct fdcache *cache)
{
	pthread_mutex_lock(&cache->lock);
	for (unsigned int i = 1; i < cache->n; i++)
		if (cache->ents[i].node && !cache->ents[i].kept)
			ent_empty(cache, &cache->ents[i]);
	pthread_mutex_unlock(&cache->lock);
}

unsigned int fdcache_count(struct fdcache *cache)
{
	return cache->n_used;
}
