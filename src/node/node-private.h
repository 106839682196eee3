/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Internals of the node table: node-records.c (memory), node-hash.c (index by handle),
 * node-mounts.c, node-table.c (the table as a whole), node.c (finding nodes, counting references).
 *
 * Records lie in a memfd that is mapped once for the largest table. The kernel adds pages when they
 * are written, and node-records.c frees them when a block of records is empty. So the memory of a
 * record can always be read, even after the record was freed (as another node, or as zeros).
 * Therefore a lookup takes no lock: it follows the chain, takes a reference if the count is not
 * zero, then checks that this is the wanted node. If the chain changes meanwhile, the lookup may
 * miss a node that exists, so it repeats every miss under the lock.
 *
 * Locks: shard[hash % N_SHARDS] for the chains of that hash; alloc_lock for blocks and bitmaps;
 * mount_lock for adding a mount. Resizing the index takes every shard, then alloc_lock. Record 0 is
 * never used, because 0 ends a chain.
 */
#include "node/node.h"
#include "node/tails.h"

#include <pthread.h>
#include <stdlib.h>

#define N_SHARDS       64
#define MAX_NODES      NODE_MAX
#define MAX_INDEX_BITS 26
#define NLOOKUP_ONE    (1ULL << 24)
#define REF_MASK       (NLOOKUP_ONE - 1)

/* 2048 records are 56 pages: an empty block gives whole pages back. */
#define BLOCK_NODES 2048u
#define BLOCK_BYTES (BLOCK_NODES * sizeof(struct node))
static_assert(BLOCK_BYTES % 4096 == 0, "whole pages");
#define RECORDS_BYTES ((off_t)MAX_NODES * (off_t)sizeof(struct node))
static_assert(BLOCK_NODES % TAILS_WHOLE_PAGES == 0, "whole pages");
/* The bit of a nodeid that marks an index, not a packed handle; with KEY_FORM: a packed key. */
#define INDEX_FORM 0x80000000u
#define KEY_FORM   (1ULL << 63)

struct block {
	uint64_t used[BLOCK_NODES / 64];
	uint32_t n_used;
	uint8_t longest; /* length of the longest handle of a record here, now or before */
};

struct nodetab {
	struct node *nodes;         /* constant */
	struct tails tails;         /* constant: the rest of long handles */
	int memfd;                  /* constant */
	uint64_t secret[2];         /* constant once the root is set */
	struct fhandle_shape shape; /* constant once the root is set */
	struct node *root;          /* constant once the root is set */
	node_free_fn on_free;       /* constant once set */
	void *on_free_aux;

	_Atomic uint32_t n_nodes;
	_Atomic unsigned int index_bits;
	_Atomic uint32_t *index[MAX_INDEX_BITS + 1]; /* by size; mapped when needed, then kept */
	pthread_mutex_t shard[N_SHARDS];

	pthread_mutex_t alloc_lock; /* guards the members below, up to serial */
	struct block *blocks;
	_Atomic uint32_t n_blocks; /* the last block is not empty; also read without the lock */
	uint32_t first_free;       /* no block before this one has room */
	uint32_t serial;

	pthread_mutex_t mount_lock; /* guards adding; entries below n_mounts are constant */
	struct lower_mount *mounts;
	_Atomic unsigned int n_mounts;
	_Atomic bool has_aliases; /* two mounts have the same device */
};

/* Returns the head of the chain of a hash. */
static inline _Atomic uint32_t *node_chain_of(struct nodetab *tab, uint64_t hash)
{
	unsigned int bits = atomic_load_explicit(&tab->index_bits, memory_order_acquire);

	return &tab->index[bits][hash & ((1u << bits) - 1)];
}

static inline uint32_t index_of(const struct nodetab *tab, const struct node *node)
{
	return (uint32_t)(node - tab->nodes);
}

/* Takes a reference unless the count is zero. */
static inline bool node_get_unless_dead(struct node *node)
{
	uint64_t count = atomic_load_explicit(&node->count, memory_order_relaxed);

	do {
		if (count == 0)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(
		&node->count, &count, count + 1, memory_order_acquire, memory_order_relaxed));
	return true;
}

/* node-records.c: maps the memory of the records. Returns 0 or -errno. */
int node_records_map(struct nodetab *tab);
void node_records_unmap(struct nodetab *tab);
/*
 * Creates a record with one reference; from then on other threads may take references to it. If id
 * is 0, makes a nodeid from the index. Returns NULL if out of memory.
 */
struct node *node_record_new(struct nodetab *tab, const struct node_key *key, uint64_t id);
void node_record_free(struct nodetab *tab, struct node *node);
static inline bool node_record_is_used(const struct nodetab *tab, uint32_t index)
{
	return tab->blocks[index / BLOCK_NODES].used[index % BLOCK_NODES / 64] >> index % 64 & 1;
}
/* Returns true if the node has this file handle. */
bool node_has_fh(struct nodetab *tab, const struct node *node, const struct fhandle *fh);

/* node-hash.c: the index by handle. The caller of insert and remove holds the shard of the hash. */
int node_hash_new(struct nodetab *tab);
void node_hash_free(struct nodetab *tab);
/* Sets *ret_id to the nodeid that the handle packs to, or 0. */
uint64_t node_hash_of(struct nodetab *tab, const struct fhandle *fh, uint64_t *ret_id);
uint64_t node_hash_of_node(struct nodetab *tab, const struct node *node);
void node_hash_insert(struct nodetab *tab, uint64_t hash, struct node *node);
void node_hash_remove(struct nodetab *tab, uint64_t hash, struct node *node);
/*
 * Makes the index larger or smaller if the number of nodes has changed enough. Takes the locks of
 * all shards and alloc_lock.
 */
void node_hash_resize(struct nodetab *tab);

/*
 * node-key.c: node_pack() is fhandle_pack(), also for short keys of programs. node_pack_key() packs
 * such a key without a handle; node_unpack_key() undoes it.
 */
bool node_pack(struct nodetab *tab, const struct fhandle *fh, uint64_t *ret_id);
bool node_pack_key(const void *name, size_t len, uint64_t *ret_id);
bool node_unpack_key(uint64_t id, struct fhandle *ret_fh);

/* node-mounts.c */
int node_mounts_new(struct nodetab *tab);
void node_mounts_free(struct nodetab *tab);
