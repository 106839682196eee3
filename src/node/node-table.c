// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The node table as a whole: creates, frees and walks it; creates its root, and computes the
 * generations of nodeids. Locks: node-private.h.
 */
#include "node/node-private.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/hash.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/random.h>

DEFINE_CLEANUP(struct nodetab *, nodetab_free);

int nodetab_new(const uint64_t key[2], struct nodetab **ret_tab)
{
	_cleanup_(nodetab_freep) struct nodetab *tab = calloc(1, sizeof(*tab));
	int r;

	if (!tab)
		return -ENOMEM;
	tab->memfd = -1;
	tab->serial = 1;
	for (int i = 0; i < N_SHARDS; i++)
		pthread_mutex_init(&tab->shard[i], NULL);
	pthread_mutex_init(&tab->alloc_lock, NULL);
	pthread_mutex_init(&tab->mount_lock, NULL);
	r = node_records_map(tab);
	if (r == 0)
		r = node_mounts_new(tab);
	if (r == 0)
		r = node_hash_new(tab);
	if (r < 0)
		return r;
	if (key)
		memcpy(tab->secret, key, sizeof(tab->secret));
	else if (getrandom(tab->secret, sizeof(tab->secret), 0) != sizeof(tab->secret))
		return -EIO;
	*ret_tab = take_ptr(tab);
	return 0;
}

struct nodetab *nodetab_free(struct nodetab *tab)
{
	if (!tab)
		return NULL;
	for (uint32_t i = 1; i < tab->n_blocks * BLOCK_NODES; i++) {
		if (!node_record_is_used(tab, i))
			continue;
		if (tab->on_free)
			tab->on_free(tab->on_free_aux, &tab->nodes[i]);
		if (tab->nodes[i].flags & NODE_OWN_FD)
			fd_close((int)tab->nodes[i].fd_slot);
	}
	node_mounts_free(tab);
	node_hash_free(tab);
	node_records_unmap(tab);
	for (int i = 0; i < N_SHARDS; i++)
		pthread_mutex_destroy(&tab->shard[i]);
	pthread_mutex_destroy(&tab->alloc_lock);
	pthread_mutex_destroy(&tab->mount_lock);
	free(tab);
	return NULL;
}

void nodetab_on_free(struct nodetab *tab, node_free_fn fn, void *aux)
{
	tab->on_free = fn;
	tab->on_free_aux = aux;
}

struct nodetab_stat nodetab_stat(struct nodetab *tab)
{
	struct nodetab_stat stat = { .n_nodes = tab->n_nodes };

	pthread_mutex_lock(&tab->alloc_lock);
	stat.bytes = sizeof(*tab) + tab->n_blocks * sizeof(struct block) +
		     (sizeof(uint32_t) << tab->index_bits);
	for (uint32_t b = 0; b < tab->n_blocks; b++)
		if (tab->blocks[b].n_used)
			stat.bytes +=
				BLOCK_BYTES + tails_bytes(tab->blocks[b].longest, BLOCK_NODES);
	pthread_mutex_unlock(&tab->alloc_lock);
	return stat;
}

/* Mixes the root into the secret, so that views of several trees may have the same key. */
static void secret_of_root(struct nodetab *tab, const struct fhandle *fh)
{
	uint64_t root = hash_bytes(fh->type, fh->bytes, fh->len);
	uint64_t secret[2] = { hash_keyed(tab->secret, root), hash_keyed(tab->secret, ~root) };

	memcpy(tab->secret, secret, sizeof(secret));
}

int nodetab_set_root(struct nodetab *tab, const struct fhandle *fh, uint64_t ino, int own_fd,
		     struct node **ret_node)
{
	struct node_key key = {
		.fh = *fh,
		.ino = ino,
		.type = S_IFDIR,
		.flags = own_fd >= 0 ? NODE_OWN_FD : 0,
		.own_fd = own_fd,
	};
	struct node *node;
	uint64_t hash, id;

	tab->shape = fhandle_shape(fh);
	secret_of_root(tab, fh);
	node = node_record_new(tab, &key, 1);
	if (!node)
		return -ENOMEM;
	tab->root = node;
	tab->n_nodes++;
	hash = node_hash_of(tab, fh, &id);
	pthread_mutex_lock(&tab->shard[hash % N_SHARDS]);
	node_hash_insert(tab, hash, node);
	pthread_mutex_unlock(&tab->shard[hash % N_SHARDS]);
	*ret_node = node;
	return 0;
}

/* The position of a walk over the records; zero at first. */
struct cursor {
	uint32_t index;
	uint64_t used[BLOCK_NODES / 64]; /* of the block that index is in */
};

/* Returns a strong reference to the next living node, or NULL if there are no more. */
static struct node *next_node(struct nodetab *tab, struct cursor *cursor)
{
	for (; cursor->index < tab->n_blocks * BLOCK_NODES; cursor->index++) {
		uint32_t b = cursor->index / BLOCK_NODES, i = cursor->index % BLOCK_NODES;
		struct node *node = &tab->nodes[cursor->index];

		if (i == 0) {
			memset(cursor->used, 0, sizeof(cursor->used));
			pthread_mutex_lock(&tab->alloc_lock);
			if (b < tab->n_blocks)
				memcpy(cursor->used, tab->blocks[b].used, sizeof(cursor->used));
			pthread_mutex_unlock(&tab->alloc_lock);
		}
		if (cursor->used[i / 64] >> i % 64 & 1 && node_get_unless_dead(node)) {
			cursor->index++;
			return node;
		}
	}
	return NULL;
}

void nodetab_walk(struct nodetab *tab, node_walk_fn fn, void *aux)
{
	struct cursor cursor = { 0 };
	struct node *node;

	while ((node = next_node(tab, &cursor))) {
		fn(aux, node);
		node_put(tab, node);
	}
}

uint64_t nodetab_find_file(struct nodetab *tab, bool (*fn)(void *aux, uint64_t nodeid), void *aux)
{
	struct cursor cursor = { 0 };
	struct node *node;

	while ((node = next_node(tab, &cursor))) {
		uint64_t id = S_ISREG(node->type) && node->count >= NLOOKUP_ONE ? node->id : 0;

		node_put(tab, node);
		if (id && fn(aux, id))
			return id;
	}
	return 0;
}

uint32_t node_generation(struct nodetab *tab, const struct node *node)
{
	if (node->id == 1)
		return 0;
	return (uint32_t)hash_keyed(tab->secret, node->id) | 1;
}

bool nodetab_packs(const struct nodetab *tab)
{
	return tab->shape.len;
}

bool node_id_unpack(struct nodetab *tab, uint64_t id, struct fhandle *ret_fh)
{
	return node_unpack_key(id, ret_fh) || fhandle_unpack(&tab->shape, id, ret_fh);
}
