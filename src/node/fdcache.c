// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The descriptor cache: a fixed number of entries. node->fd_slot is the number of the node's entry,
 * ent->node the entry's node. Using a cached descriptor takes no lock: a thread pins the entry,
 * then checks that the entry still belongs to the node. Entries are filled and emptied under the
 * lock, and only while they have no pins.
 *
 * ent->pins is the number of references to the descriptor, or DEAD while the entry is empty or
 * another node gets it.
 *
 * ent->kept is set if the node has lost a name: fdcache_keep(). fdcache_reap() checks only at the
 * second tick if the file has a name left, because the kernel forgets most of these nodes before.
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
	_Atomic bool used;           /* used since the hand or fdcache_reap() passed the entry */
	_Atomic uint8_t kept;
};

struct fdcache {
	struct nodetab *tab;
	struct fdcache_host host; /* constant */
	unsigned int budget;
	pthread_mutex_t lock; /* guards filling and emptying, and hand */
	unsigned int hand;    /* the entry that was tried last */
	_Atomic unsigned int n_used, n_kept;
	struct fdent ents[]; /* 1 to budget; entry 0 never has a node */
};

int fdcache_new(unsigned int budget, struct nodetab *tab, const struct fdcache_host *host,
		struct fdcache **ret_cache)
{
	struct fdcache *cache = calloc(1, sizeof(*cache) + (budget + 1) * sizeof(struct fdent));

	if (!cache)
		return -ENOMEM;
	cache->tab = tab;
	cache->host = *host;
	cache->budget = budget;
	pthread_mutex_init(&cache->lock, NULL);
	for (unsigned int i = 1; i <= budget; i++)
		cache->ents[i].pins = DEAD;
	*ret_cache = cache;
	return 0;
}

/* Empties an entry. Returns false if the entry is pinned. Caller holds the lock. */
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
	for (unsigned int i = 1; i <= cache->budget; i++)
		if (cache->ents[i].node)
			ent_empty(cache, &cache->ents[i]);
	pthread_mutex_destroy(&cache->lock);
	free(cache);
	return NULL;
}

/* Pins the node's entry. Returns NULL if the node has none. */
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

/*
 * Returns an entry that is empty, or can be emptied: the hand skips entries used since its last
 * round. Caller holds the lock.
 */
static struct fdent *ent_find_empty(struct fdcache *cache)
{
	for (unsigned int tries = 0; tries < 2 * cache->budget; tries++) {
		struct fdent *ent;

		cache->hand = cache->hand % cache->budget + 1;
		ent = &cache->ents[cache->hand];
		if (!ent->node)
			return ent;
		if (!ent->kept && !atomic_exchange(&ent->used, false) && ent_empty(cache, ent))
			return ent;
	}
	return NULL;
}

/*
 * Puts a descriptor into the cache, pinned once; the cache then owns fd. Returns NULL if there is
 * no room or the node has an entry; the caller then keeps fd.
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
		fd = (int)node->fd_slot;
		if (fd < 0)
			return -EOPNOTSUPP;
		/* Valid as long as the caller's reference to the node. Entry 0 needs no pin. */
		*ret_ref = (struct fdref){ .fd = fd, .ent = cache->ents };
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

void fdcache_replace(struct fdcache *cache, struct node *node, int fd)
{
	if (!(node->flags & NODE_OWN_FD)) {
		pthread_mutex_lock(&cache->lock);
		if (node->fd_slot && !cache->ents[node->fd_slot].kept)
			ent_empty(cache, &cache->ents[node->fd_slot]);
		pthread_mutex_unlock(&cache->lock);
	}
	fdcache_offer(cache, node, fd);
}

bool fdcache_close(struct fdcache *cache, struct node *node)
{
	bool closed;

	if (node->fd_slot == 0 || (node->flags & NODE_OWN_FD))
		return true;
	pthread_mutex_lock(&cache->lock);
	closed = node->fd_slot == 0 || ent_empty(cache, &cache->ents[node->fd_slot]);
	pthread_mutex_unlock(&cache->lock);
	return closed;
}

void fdcache_drop(struct fdcache *cache, struct node *node)
{
	/* Only a thread that looks for the entry's former node can pin it now, for a moment. */
	while (!fdcache_close(cache, node))
		cpu_spin_backoff();
}

bool fdcache_keep(struct fdcache *cache, struct node *node)
{
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;

	if (node->flags & NODE_OWN_FD)
		return true;
	if (cache->n_kept >= (cache->budget + 1) / 2)
		return false;
	/* A file that cannot be opened does not exist any more. */
	if (fdref_get(cache, node, &ref) < 0 || !ref.ent)
		return true;
	if (!atomic_exchange(&ref.ent->kept, KEPT))
		cache->n_kept++;
	cache->host.want_tick(cache->host.aux);
	return true;
}

/* Checks a kept entry. Returns true if the next tick has to check again. Caller holds the lock. */
static bool kept_look(struct fdcache *cache, struct fdent *ent)
{
	uint8_t kept = ent->kept;
	struct stat st;

	if (kept == KEPT_NAMELESS)
		return false;
	if (kept == KEPT) {
		atomic_compare_exchange_strong(&ent->kept, &kept, KEPT_FOR_A_TICK);
		return true;
	}
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
	for (unsigned int i = 1; i <= cache->budget; i++) {
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
	for (unsigned int i = 1; i <= cache->budget; i++)
		if (cache->ents[i].node && !cache->ents[i].kept)
			ent_empty(cache, &cache->ents[i]);
	pthread_mutex_unlock(&cache->lock);
}

unsigned int fdcache_count(struct fdcache *cache)
{
	return cache->n_used;
}
