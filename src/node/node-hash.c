// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The index of the node table: hash chains of records, by file handle, or by nodeid if the nodeid
 * is a packed handle. The index grows and shrinks with the number of nodes. An old index stays
 * mapped, because other threads may still read it, and would read unmapped memory. Locks:
 * node-private.h.
 */
#include "node/node-private.h"
#include "util/hash.h"

#include <errno.h>
#include <sys/mman.h>

#define MIN_INDEX_BITS 12

static _Atomic uint32_t *index_map(unsigned int bits)
{
	void *p = mmap(NULL, sizeof(uint32_t) << bits, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

int node_hash_new(struct nodetab *tab)
{
	tab->index_bits = MIN_INDEX_BITS;
	tab->index[MIN_INDEX_BITS] = index_map(MIN_INDEX_BITS);
	return tab->index[MIN_INDEX_BITS] ? 0 : -ENOMEM;
}

void node_hash_free(struct nodetab *tab)
{
	for (unsigned int bits = 0; bits <= MAX_INDEX_BITS; bits++)
		if (tab->index[bits])
			munmap((void *)tab->index[bits], sizeof(uint32_t) << bits);
}

uint64_t node_hash_of(struct nodetab *tab, const struct fhandle *fh, uint64_t *ret_id)
{
	if (node_pack(tab, fh, ret_id))
		return hash_mix(*ret_id);
	*ret_id = 0;
	return hash_bytes((uint64_t)fh->mount << 8 | fh->type, fh->bytes, fh->len);
}

uint64_t node_hash_of_node(struct nodetab *tab, const struct node *node)
{
	struct fhandle fh;
	uint64_t id;

	node_fhandle(tab, node, &fh);
	return node_hash_of(tab, &fh, &id);
}

/* Caller holds the shard. */
void node_hash_insert(struct nodetab *tab, uint64_t hash, struct node *node)
{
	_Atomic uint32_t *chain = node_chain_of(tab, hash);

	atomic_store_explicit(&node->next, *chain, memory_order_relaxed);
	atomic_store_explicit(chain, index_of(tab, node), memory_order_release);
}

/* Caller holds the shard. */
void node_hash_remove(struct nodetab *tab, uint64_t hash, struct node *node)
{
	_Atomic uint32_t *link = node_chain_of(tab, hash);

	while (&tab->nodes[*link] != node)
		link = &tab->nodes[*link].next;
	atomic_store_explicit(link, node->next, memory_order_release);
}

/* Inserts every record into the new index; caller holds every shard and alloc_lock. */
static void rehash(struct nodetab *tab)
{
	for (uint32_t i = 1; i < tab->n_blocks * BLOCK_NODES; i++) {
		struct node *node = &tab->nodes[i];

		/* A record that another thread is making or freeing is not in a chain. */
		if (node_record_is_used(tab, i) && node->id)
			node_hash_insert(tab, node_hash_of_node(tab, node), node);
	}
}

static void resize(struct nodetab *tab, unsigned int from, unsigned int to)
{
	for (int i = 0; i < N_SHARDS; i++)
		pthread_mutex_lock(&tab->shard[i]);
	pthread_mutex_lock(&tab->alloc_lock);
	if (tab->index_bits == from && !tab->index[to])
		tab->index[to] = index_map(to);
	/* Without memory for a larger index chains become longer, which is slower but correct. */
	if (tab->index_bits == from && tab->index[to]) {
		atomic_store_explicit(&tab->index_bits, to, memory_order_release);
		rehash(tab);
		/* The old index stays mapped for threads that read it; its chains are empty now. */
		madvise((void *)tab->index[from], sizeof(uint32_t) << from, MADV_DONTNEED);
	}
	pthread_mutex_unlock(&tab->alloc_lock);
	for (int i = N_SHARDS; i-- > 0;)
		pthread_mutex_unlock(&tab->shard[i]);
}

void node_hash_resize(struct nodetab *tab)
{
	unsigned int bits = tab->index_bits;

	if (tab->n_nodes > 1u << bits && bits < MAX_INDEX_BITS)
		resize(tab, bits, bits + 1);
	else if (tab->n_nodes < (1u << bits) / 16 && bits > MIN_INDEX_BITS)
		resize(tab, bits, bits - 2 < MIN_INDEX_BITS ? MIN_INDEX_BITS : bits - 2);
}
