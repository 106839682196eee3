// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The memory of the node table, and the file handles in the records. Records come in blocks of
 * BLOCK_NODES. The lowest free record is used first, so that the table stays dense; the memory of
 * an empty block goes back to the kernel. Locking: alloc_lock guards blocks and bitmaps.
 */
#include "node/node-private.h"
#include "util/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int node_records_map(struct nodetab *tab)
{
	void *p;

	tab->memfd = memfd_create("penstock-nodes", MFD_CLOEXEC);
	if (tab->memfd < 0)
		return -errno;
	if (ftruncate(tab->memfd, RECORDS_BYTES + (off_t)tails_bytes(FHANDLE_MAX, MAX_NODES)) < 0)
		return -errno;
	p = mmap(NULL, MAX_NODES * sizeof(struct node), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_NORESERVE, tab->memfd, 0);
	if (p == MAP_FAILED)
		return -errno;
	tab->nodes = p;
	return tails_map(&tab->tails, tab->memfd, RECORDS_BYTES, MAX_NODES);
}

void node_records_unmap(struct nodetab *tab)
{
	if (tab->nodes)
		munmap(tab->nodes, MAX_NODES * sizeof(struct node));
	tails_unmap(&tab->tails);
	fd_close(tab->memfd);
	free(tab->blocks);
}

/* Adds a block of records; caller holds alloc_lock. Returns 0 or -ENOMEM. */
static int blocks_grow(struct nodetab *tab)
{
	struct block *blocks;

	if (tab->n_blocks == MAX_NODES / BLOCK_NODES)
		return -ENOMEM;
	blocks = realloc(tab->blocks, (tab->n_blocks + 1) * sizeof(*blocks));
	if (!blocks)
		return -ENOMEM;
	tab->blocks = blocks;
	blocks[tab->n_blocks] = (struct block){ 0 };
	/* Record 0 is never used. */
	if (tab->n_blocks == 0)
		blocks[0] = (struct block){ .used[0] = 1, .n_used = 1 };
	tab->n_blocks++;
	return 0;
}

/*
 * Returns a free record for a file with a handle of len bytes, or NULL if out of memory. Sets
 * *ret_serial to a number that is used only once.
 */
static struct node *record_alloc(struct nodetab *tab, uint8_t len, uint32_t *ret_serial)
{
	struct node *node = NULL;
	struct block *block;
	uint32_t b;

	pthread_mutex_lock(&tab->alloc_lock);
	for (b = tab->first_free; b < tab->n_blocks; b++)
		if (tab->blocks[b].n_used < BLOCK_NODES)
			break;
	tab->first_free = b;
	if (b < tab->n_blocks || blocks_grow(tab) == 0) {
		block = &tab->blocks[b];
		for (uint32_t word = 0; word < BLOCK_NODES / 64 && !node; word++) {
			uint32_t bit;

			if (block->used[word] == UINT64_MAX)
				continue;
			bit = (uint32_t)__builtin_ctzll(~block->used[word]);
			block->used[word] |= 1ULL << bit;
			block->n_used++;
			if (block->longest < len)
				block->longest = len;
			node = &tab->nodes[b * BLOCK_NODES + word * 64 + bit];
		}
		*ret_serial = tab->serial++;
	}
	pthread_mutex_unlock(&tab->alloc_lock);
	return node;
}

void node_record_free(struct nodetab *tab, struct node *node)
{
	uint32_t index = index_of(tab, node);
	struct block *block;

	pthread_mutex_lock(&tab->alloc_lock);
	block = &tab->blocks[index / BLOCK_NODES];
	block->used[index % BLOCK_NODES / 64] &= ~(1ULL << index % 64);
	block->n_used--;
	if (index / BLOCK_NODES < tab->first_free)
		tab->first_free = index / BLOCK_NODES;
	/* If this fails, the memory stays allocated until the block is used again. */
	if (block->n_used == 0)
		fallocate(tab->memfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			  (off_t)(index / BLOCK_NODES) * (off_t)BLOCK_BYTES, BLOCK_BYTES);
	if (block->n_used == 0 && block->longest > FHANDLE_SHORT)
		tails_punch(&tab->tails, index / BLOCK_NODES * BLOCK_NODES, BLOCK_NODES);
	if (block->n_used == 0)
		block->longest = 0;
	while (tab->blocks[tab->n_blocks - 1].n_used == 0)
		tab->n_blocks--;
	pthread_mutex_unlock(&tab->alloc_lock);
}

struct node *node_record_new(struct nodetab *tab, const struct node_key *key, uint64_t id)
{
	uint32_t serial;
	struct node *node = record_alloc(tab, key->fh.len, &serial);

	if (!node)
		return NULL;
	if (!id)
		id = ((uint64_t)serial << 32 | INDEX_FORM | index_of(tab, node)) & ~KEY_FORM;
	/* Clear the members from fd_slot on. Other threads may still read the members before it. */
	memset((char *)node + offsetof(struct node, fd_slot), 0,
	       sizeof(*node) - offsetof(struct node, fd_slot));
	node->ino = key->ino;
	port_store(&node->filter.filters, key->filters);
	node->parent = 0;
	node->shadow = 0;
	node->fh.len = key->fh.len;
	node->fh.type = key->fh.type;
	node->fh.mount = key->fh.mount;
	memcpy(node->fh.bytes, key->fh.bytes, sizeof(node->fh.bytes));
	if (key->fh.len > FHANDLE_SHORT)
		tails_put(&tab->tails, index_of(tab, node), &key->fh);
	node->type = key->type;
	node->flags = key->flags;
	node->served = 0;
	if (key->flags & NODE_OWN_FD)
		node->fd_slot = (uint32_t)key->own_fd;
	atomic_store_explicit(&node->id, id, memory_order_relaxed);
	atomic_store_explicit(&node->count, 1, memory_order_release);
	return node;
}

void node_fhandle(struct nodetab *tab, const struct node *node, struct fhandle *ret_fh)
{
	ret_fh->len = node->fh.len;
	ret_fh->type = node->fh.type;
	ret_fh->mount = node->fh.mount;
	memcpy(ret_fh->bytes, node->fh.bytes, sizeof(node->fh.bytes));
	if (node->fh.len > FHANDLE_SHORT)
		tails_get(&tab->tails, index_of(tab, node), ret_fh);
}

int node_open(struct nodetab *tab, const struct node *node, int flags)
{
	struct fhandle fh;

	node_fhandle(tab, node, &fh);
	return fhandle_open(tab->mounts[fh.mount].fd, &fh, flags);
}

bool node_has_fh(struct nodetab *tab, const struct node *node, const struct fhandle *fh)
{
	size_t len = fh->len < FHANDLE_SHORT ? fh->len : FHANDLE_SHORT;

	return node->fh.len == fh->len && node->fh.type == fh->type &&
	       node->fh.mount == fh->mount && memcmp(node->fh.bytes, fh->bytes, len) == 0 &&
	       (fh->len <= FHANDLE_SHORT || tails_equal(&tab->tails, index_of(tab, node), fh));
}
