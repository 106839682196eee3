// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Nodes: finds them without a lock, creates them, counts references and nlookup. node-private.h has
 * the locks, and explains why lookups without a lock are safe.
 */
#include "node/node.h"
#include "node/node-private.h"
#include "util/fd.h"
#include "util/hash.h"

#include <errno.h>
#include <string.h>

/*
 * Limits a walk without the lock, which might never end in a chain that changes meanwhile. After so
 * many hops the lookup repeats the walk under the lock.
 */
#define MAX_HOPS 256

/* A node to search for in a chain: by its nodeid if the handle packs to one, else by its handle. */
struct wanted {
	uint64_t hash;
	uint64_t id;              /* 0 if it is unknown */
	const struct fhandle *fh; /* if id is 0 */
};

/* Caller holds a reference, or the lock of the chain that the node is in. */
static bool is_wanted(struct nodetab *tab, struct node *node, const struct wanted *wanted)
{
	return wanted->id ? node->id == wanted->id : node_has_fh(tab, node, wanted->fh);
}

/* Takes a reference if this is the wanted node and it is alive. */
static bool take_if_wanted(struct nodetab *tab, struct node *node, const struct wanted *wanted)
{
	if (wanted->id && atomic_load_explicit(&node->id, memory_order_relaxed) != wanted->id)
		return false;
	if (!node_get_unless_dead(node))
		return false;
	if (is_wanted(tab, node, wanted))
		return true;
	node_put(tab, node);
	return false;
}

static struct node *chain_walk(struct nodetab *tab, const struct wanted *wanted)
{
	uint32_t at = atomic_load_explicit(node_chain_of(tab, wanted->hash), memory_order_acquire);

	for (int hops = 0; at && hops < MAX_HOPS; hops++) {
		struct node *node = &tab->nodes[at];

		/* Before take_if_wanted(): after it, the record may belong to another node. */
		at = atomic_load_explicit(&node->next, memory_order_acquire);
		if (take_if_wanted(tab, node, wanted))
			return node;
	}
	return NULL;
}

/*
 * Caller holds the shard, so nodes stay in the chain, dead or alive, and can be compared without a
 * reference. Taking a reference before the comparison would deadlock: it may become the last one,
 * and dropping the last one takes the shard.
 */
static struct node *chain_walk_locked(struct nodetab *tab, const struct wanted *wanted)
{
	for (uint32_t at = *node_chain_of(tab, wanted->hash); at; at = tab->nodes[at].next) {
		struct node *node = &tab->nodes[at];

		if (is_wanted(tab, node, wanted) && node_get_unless_dead(node))
			return node;
	}
	return NULL;
}

static struct node *find(struct nodetab *tab, const struct wanted *wanted)
{
	struct node *node = chain_walk(tab, wanted);

	if (node)
		return node;
	pthread_mutex_lock(&tab->shard[wanted->hash % N_SHARDS]);
	node = chain_walk_locked(tab, wanted);
	pthread_mutex_unlock(&tab->shard[wanted->hash % N_SHARDS]);
	return node;
}

struct node *node_lookup_id(struct nodetab *tab, uint64_t id)
{
	struct wanted wanted = { .id = id, .hash = hash_mix(id) };
	uint32_t index;

	if (id == 1)
		return node_get(tab->root);
	if (!(id & INDEX_FORM) || (id & KEY_FORM))
		return id ? find(tab, &wanted) : NULL;
	index = (uint32_t)id & ~INDEX_FORM;
	/* Reading a record beyond the last block would allocate its memory. */
	if (index / BLOCK_NODES >= atomic_load_explicit(&tab->n_blocks, memory_order_relaxed) ||
	    !take_if_wanted(tab, &tab->nodes[index], &wanted))
		return NULL;
	return &tab->nodes[index];
}

static struct wanted wanted_by_fh(struct nodetab *tab, const struct fhandle *fh)
{
	struct wanted wanted = { .fh = fh };

	wanted.hash = node_hash_of(tab, fh, &wanted.id);
	return wanted;
}

/* The root is found by its handle here, because its nodeid is not the packed handle. */
static bool is_root(struct nodetab *tab, const struct fhandle *fh)
{
	return tab->root && node_has_fh(tab, tab->root, fh);
}

struct node *node_lookup_fh(struct nodetab *tab, const struct fhandle *fh)
{
	struct wanted wanted = wanted_by_fh(tab, fh);

	if (is_root(tab, fh))
		return node_get(tab->root);
	return find(tab, &wanted);
}

struct node *node_lookup_key(struct nodetab *tab, const void *name, size_t len)
{
	struct wanted wanted;

	if (!node_pack_key(name, len, &wanted.id))
		return NULL;
	wanted.hash = hash_mix(wanted.id);
	return chain_walk(tab, &wanted);
}

int node_lookup_or_new(struct nodetab *tab, const struct node_key *key, struct node **ret_node,
		       bool *ret_new)
{
	struct wanted wanted = wanted_by_fh(tab, &key->fh);
	pthread_mutex_t *shard = &tab->shard[wanted.hash % N_SHARDS];
	bool new = false;
	struct node *node;

	node = is_root(tab, &key->fh) ? node_get(tab->root) : chain_walk(tab, &wanted);
	if (!node) {
		pthread_mutex_lock(shard);
		node = chain_walk_locked(tab, &wanted);
		if (!node) {
			node = node_record_new(tab, key, wanted.id);
			new = node;
		}
		if (new)
			node_hash_insert(tab, wanted.hash, node);
		pthread_mutex_unlock(shard);
	}
	if (!node)
		return -ENOMEM;
	if (new) {
		tab->n_nodes++;
		node_hash_resize(tab);
	}
	*ret_node = node;
	if (ret_new)
		*ret_new = new;
	return 0;
}

struct node *node_get(struct node *node)
{
	atomic_fetch_add_explicit(&node->count, 1, memory_order_relaxed);
	return node;
}

/* Frees a node whose count has become 0, so no thread can take a reference any more. */
static void node_die(struct nodetab *tab, struct node *node)
{
	uint64_t hash = node_hash_of_node(tab, node);

	if (tab->on_free)
		tab->on_free(tab->on_free_aux, node);
	pthread_mutex_lock(&tab->shard[hash % N_SHARDS]);
	node_hash_remove(tab, hash, node);
	atomic_store_explicit(&node->id, 0, memory_order_relaxed);
	pthread_mutex_unlock(&tab->shard[hash % N_SHARDS]);
	if (node->flags & NODE_OWN_FD)
		fd_close((int)node->fd_slot);
	node_record_free(tab, node);
	tab->n_nodes--;
	node_hash_resize(tab);
}

struct node *node_put(struct nodetab *tab, struct node *node)
{
	if (node && atomic_fetch_sub_explicit(&node->count, 1, memory_order_acq_rel) == 1)
		node_die(tab, node);
	return NULL;
}

void node_remember(struct node *node)
{
	atomic_fetch_add_explicit(&node->count, NLOOKUP_ONE, memory_order_relaxed);
}

void node_remember_ref(struct node *node)
{
	atomic_fetch_add_explicit(&node->count, NLOOKUP_ONE - 1, memory_order_relaxed);
}

void node_forget(struct nodetab *tab, struct node *node, uint64_t n)
{
	uint64_t count = atomic_load_explicit(&node->count, memory_order_relaxed), left;

	/* The root stays. A kernel that forgets too much leaves 0. */
	if (node == tab->root)
		return;
	do {
		left = count / NLOOKUP_ONE;
		left = n < left ? left - n : 0;
		left = left * NLOOKUP_ONE | (count & REF_MASK);
	} while (!atomic_compare_exchange_weak_explicit(
		&node->count, &count, left, memory_order_acq_rel, memory_order_relaxed));
	if (left == 0 && count != 0)
		node_die(tab, node);
}

uint32_t node_number(struct nodetab *tab, const struct node *node)
{
	return index_of(tab, node);
}
