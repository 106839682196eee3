// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The node table: records in blocks, a hash index over them, the list of lower mounts.
 *
 * Records lie in a memfd that is mapped once for the largest table; pages come when they are
 * written and go when a block of records is empty. A record's memory is therefore always readable,
 * also after it was freed (then it reads as another node, or as zeros), and that makes finding free
 * of locks: follow the chain, take a reference if the count is not zero, then look again whether
 * this is the node that was meant. A finder that races with a change of the chain may miss a node
 * that is there; so every miss is repeated under the lock.
 *
 * Locks: shard[hash % N_SHARDS] for the chains of that hash; alloc_lock for blocks and bitmaps.
 * Growing takes every shard, then alloc_lock. Record 0 is never used: 0 ends a chain.
 */
#include "node/node.h"
#include "node/tails.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#define N_SHARDS 64
#define MAX_NODES NODE_MAX
#define MAX_MOUNTS 4096
#define MIN_INDEX_BITS 12
#define MAX_INDEX_BITS 26
/*
 * Longer walks without the lock mean that chains move under us: the finder then takes it. Under the
 * lock a chain is as long as it is.
 */
#define MAX_HOPS 256

#define NLOOKUP_ONE (1ULL << 24)
#define REF_MASK (NLOOKUP_ONE - 1)

/* 2048 records are 56 pages: emptied blocks give whole pages back. */
#define BLOCK_NODES 2048u
#define BLOCK_BYTES (BLOCK_NODES * sizeof(struct node))
static_assert(BLOCK_BYTES % 4096 == 0, "whole pages");
#define RECORDS_BYTES ((off_t)MAX_NODES * (off_t)sizeof(struct node))
static_assert(BLOCK_NODES % TAILS_WHOLE_PAGES == 0, "whole pages");
#define INDEX_FORM 0x80000000u
#define TYPE_OWN 0xff

struct block {
	uint64_t used[BLOCK_NODES / 64];
	uint32_t n_used;
	uint8_t longest;		/* handle of a file that has, or had, a record here */
};

struct nodetab {
	struct node *nodes;		/* constant */
	struct tails tails;		/* constant; of handles that are longer than a record has room for */
	int memfd;			/* constant */
	uint64_t secret[2];		/* constant once the root is set */
	bool keyed;			/* it was given */
	struct fhandle_shape shape;	/* constant once the root is set */
	struct node *root;		/* constant once the root is set */
	node_free_fn on_free;		/* constant once set */
	void *on_free_aux;

	_Atomic uint32_t n_nodes;
	_Atomic unsigned int index_bits;
	_Atomic uint32_t *index[MAX_INDEX_BITS + 1]; /* by size; made when needed, kept */
	pthread_mutex_t shard[N_SHARDS];

	pthread_mutex_t alloc_lock;	/* guards what follows */
	struct block *blocks;
	_Atomic uint32_t n_blocks;	/* the last one is not empty; read without the lock, too */
	uint32_t first_free;		/* no block before this one has room */
	uint32_t serial;

	pthread_mutex_t mount_lock;	/* guards adding; entries below n_mounts are constant */
	struct lower_mount *mounts;
	_Atomic unsigned int n_mounts;
	_Atomic bool has_aliases;		/* two of them are of one device */
};

/* -- memory ---------------------------------------------------------------------------------- */

static _Atomic uint32_t *index_map(unsigned int bits)
{
	void *p = mmap(NULL, sizeof(uint32_t) << bits, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static int map_records(struct nodetab *tab)
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

DEFINE_CLEANUP(struct nodetab *, nodetab_free);

int nodetab_new(struct nodetab **ret_tab)
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
	r = map_records(tab);
	if (r < 0)
		return r;
	tab->mounts = calloc(MAX_MOUNTS, sizeof(*tab->mounts));
	tab->index[MIN_INDEX_BITS] = index_map(MIN_INDEX_BITS);
	if (!tab->mounts || !tab->index[MIN_INDEX_BITS])
		return -ENOMEM;
	tab->index_bits = MIN_INDEX_BITS;
	if (getrandom(tab->secret, sizeof(tab->secret), 0) != sizeof(tab->secret))
		return -EIO;
	*ret_tab = take_ptr(tab);
	return 0;
}

struct nodetab *nodetab_free(struct nodetab *tab)
{
	if (!tab)
		return NULL;
	for (uint32_t b = 0; b < tab->n_blocks; b++) {
		for (uint32_t i = 0; i < BLOCK_NODES; i++) {
			struct node *node = &tab->nodes[b * BLOCK_NODES + i];

			if (!(tab->blocks[b].used[i / 64] >> i % 64 & 1) || node == tab->nodes)
				continue;
			if (tab->on_free)
				tab->on_free(tab->on_free_aux, node);
			if (node->flags & NODE_OWN_FD)
				fd_close((int)node->fd_slot);
		}
	}
	for (unsigned int i = 0; tab->mounts && i < tab->n_mounts; i++)
		fd_close(tab->mounts[i].fd);
	for (unsigned int bits = 0; bits <= MAX_INDEX_BITS; bits++)
		if (tab->index[bits])
			munmap((void *)tab->index[bits], sizeof(uint32_t) << bits);
	if (tab->nodes)
		munmap(tab->nodes, MAX_NODES * sizeof(struct node));
	tails_unmap(&tab->tails, MAX_NODES);
	fd_close(tab->memfd);
	for (int i = 0; i < N_SHARDS; i++)
		pthread_mutex_destroy(&tab->shard[i]);
	pthread_mutex_destroy(&tab->alloc_lock);
	pthread_mutex_destroy(&tab->mount_lock);
	free(tab->mounts);
	free(tab->blocks);
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
			stat.bytes += BLOCK_BYTES + tails_bytes(tab->blocks[b].longest, BLOCK_NODES);
	pthread_mutex_unlock(&tab->alloc_lock);
	return stat;
}

/* One more block of records; caller holds alloc_lock. */
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
	if (tab->n_blocks == 0)
		blocks[0] = (struct block){ .used[0] = 1, .n_used = 1 };
	tab->n_blocks++;
	return 0;
}

/*
 * A free record, lowest first so that the table stays dense, for a file with this handle; *ret_serial is
 * used once.
 */
static struct node *record_alloc(struct nodetab *tab, const struct fhandle *fh,
				 uint32_t *ret_serial)
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
			if (block->longest < fh->len)
				block->longest = fh->len;
			node = &tab->nodes[b * BLOCK_NODES + word * 64 + bit];
		}
		*ret_serial = tab->serial++;
	}
	pthread_mutex_unlock(&tab->alloc_lock);
	return node;
}

static void record_free(struct nodetab *tab, struct node *node)
{
	uint32_t index = (uint32_t)(node - tab->nodes);
	struct block *block;

	pthread_mutex_lock(&tab->alloc_lock);
	block = &tab->blocks[index / BLOCK_NODES];
	block->used[index % BLOCK_NODES / 64] &= ~(1ULL << index % 64);
	block->n_used--;
	if (index / BLOCK_NODES < tab->first_free)
		tab->first_free = index / BLOCK_NODES;
	/* Memory that cannot be given back is only memory: the next user of the block gets it. */
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

/* -- the index ------------------------------------------------------------------------------- */

static uint64_t hash_of_fh(struct nodetab *tab, const struct fhandle *fh)
{
	uint64_t id;

	if (fhandle_pack(&tab->shape, fh, &id))
		return hash_mix(id);
	return hash_bytes((uint64_t)fh->mount << 8 | fh->type, fh->bytes, fh->len);
}

void node_fhandle(struct nodetab *tab, const struct node *node, struct fhandle *ret_fh)
{
	ret_fh->len = node->fh.len;
	ret_fh->type = node->fh.type;
	ret_fh->mount = node->fh.mount;
	memcpy(ret_fh->bytes, node->fh.bytes, sizeof(node->fh.bytes));
	if (node->fh.len > FHANDLE_SHORT)
		tails_get(&tab->tails, node_number(tab, node), ret_fh);
}

int node_open(struct nodetab *tab, const struct node *node, int flags)
{
	struct fhandle fh;

	node_fhandle(tab, node, &fh);
	return fhandle_open(tab->mounts[fh.mount].fd, &fh, flags);
}

static uint64_t hash_of_node(struct nodetab *tab, const struct node *node)
{
	struct fhandle fh;

	node_fhandle(tab, node, &fh);
	return hash_of_fh(tab, &fh);
}

static bool has_fh(struct nodetab *tab, const struct node *node, const struct fhandle *fh)
{
	size_t len = fh->len < FHANDLE_SHORT ? fh->len : FHANDLE_SHORT;

	return node->fh.len == fh->len && node->fh.type == fh->type &&
	       node->fh.mount == fh->mount && memcmp(node->fh.bytes, fh->bytes, len) == 0 &&
	       (fh->len <= FHANDLE_SHORT ||
		tails_equal(&tab->tails, node_number(tab, node), fh));
}

static _Atomic uint32_t *chain_of(struct nodetab *tab, uint64_t hash)
{
	unsigned int bits = atomic_load_explicit(&tab->index_bits, memory_order_acquire);

	return &tab->index[bits][hash & ((1u << bits) - 1)];
}

static bool ref_unless_dead(struct node *node)
{
	uint64_t count = atomic_load_explicit(&node->count, memory_order_relaxed);

	do {
		if (count == 0)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(&node->count, &count, count + 1,
							memory_order_acquire, memory_order_relaxed));
	return true;
}

/* What a chain is searched for: a nodeid where one is known from the handle, else the handle. */
struct wanted {
	uint64_t id;			/* 0: unknown */
	const struct fhandle *fh;	/* NULL: any */
};

/* Caller holds a reference, or the lock of the chain that the node is in. */
static bool is_wanted(struct nodetab *tab, struct node *node, const struct wanted *wanted)
{
	return wanted->id ? node->id == wanted->id : has_fh(tab, node, wanted->fh);
}

/* Takes a reference if this is the wanted node, and alive. */
static bool take_if_wanted(struct nodetab *tab, struct node *node, const struct wanted *wanted)
{
	if (wanted->id && atomic_load_explicit(&node->id, memory_order_relaxed) != wanted->id)
		return false;
	if (!ref_unless_dead(node))
		return false;
	if (is_wanted(tab, node, wanted))
		return true;
	node_put(tab, node);
	return false;
}

static struct node *chain_walk(struct nodetab *tab, uint64_t hash, const struct wanted *wanted)
{
	uint32_t at = atomic_load_explicit(chain_of(tab, hash), memory_order_acquire);

	for (int hops = 0; at && hops < MAX_HOPS; hops++) {
		struct node *node = &tab->nodes[at];

		/* Read before the reference may be given back: then the record may be anybody's. */
		at = atomic_load_explicit(&node->next, memory_order_acquire);
		if (take_if_wanted(tab, node, wanted))
			return node;
	}
	return NULL;
}

/*
 * Caller holds the shard: what is in the chain stays there, dead or alive, and is read as it is. To
 * take a reference only to look would be wrong: it may turn out to be the last, and giving that back
 * takes the shard.
 */
static struct node *chain_walk_locked(struct nodetab *tab, uint64_t hash,
				      const struct wanted *wanted)
{
	for (uint32_t at = *chain_of(tab, hash); at; at = tab->nodes[at].next) {
		struct node *node = &tab->nodes[at];

		if (is_wanted(tab, node, wanted) && ref_unless_dead(node))
			return node;
	}
	return NULL;
}

static struct node *find(struct nodetab *tab, uint64_t hash, const struct wanted *wanted)
{
	struct node *node = chain_walk(tab, hash, wanted);

	if (node)
		return node;
	pthread_mutex_lock(&tab->shard[hash % N_SHARDS]);
	node = chain_walk_locked(tab, hash, wanted);
	pthread_mutex_unlock(&tab->shard[hash % N_SHARDS]);
	return node;
}

/* Caller holds the shard. */
static void chain_insert(struct nodetab *tab, uint64_t hash, struct node *node)
{
	_Atomic uint32_t *chain = chain_of(tab, hash);

	atomic_store_explicit(&node->next, *chain, memory_order_relaxed);
	atomic_store_explicit(chain, (uint32_t)(node - tab->nodes), memory_order_release);
}

/* Caller holds the shard. */
static void chain_remove(struct nodetab *tab, uint64_t hash, struct node *node)
{
	_Atomic uint32_t *link = chain_of(tab, hash);

	while (&tab->nodes[*link] != node)
		link = &tab->nodes[*link].next;
	atomic_store_explicit(link, node->next, memory_order_release);
}

/* Puts every record into the chains of the index now in force; caller holds everything. */
static void rehash(struct nodetab *tab)
{
	for (uint32_t i = 1; i < tab->n_blocks * BLOCK_NODES; i++) {
		struct node *node = &tab->nodes[i];

		if (!(tab->blocks[i / BLOCK_NODES].used[i % BLOCK_NODES / 64] >> i % 64 & 1))
			continue;
		/* A record that is being made or unmade is not in a chain. */
		if (node->id)
			chain_insert(tab, hash_of_node(tab, node), node);
	}
}

static void resize(struct nodetab *tab, unsigned int from, unsigned int to)
{
	for (int i = 0; i < N_SHARDS; i++)
		pthread_mutex_lock(&tab->shard[i]);
	pthread_mutex_lock(&tab->alloc_lock);
	if (tab->index_bits == from && !tab->index[to])
		tab->index[to] = index_map(to);
	/* Without memory for a larger index the chains get longer: slower, still right. */
	if (tab->index_bits == from && tab->index[to]) {
		atomic_store_explicit(&tab->index_bits, to, memory_order_release);
		rehash(tab);
		/* Finders may still be in the old one: it stays mapped and now reads as empty. */
		madvise((void *)tab->index[from], sizeof(uint32_t) << from, MADV_DONTNEED);
	}
	pthread_mutex_unlock(&tab->alloc_lock);
	for (int i = N_SHARDS; i-- > 0;)
		pthread_mutex_unlock(&tab->shard[i]);
}

static void resize_if_due(struct nodetab *tab)
{
	unsigned int bits = tab->index_bits;

	if (tab->n_nodes > 1u << bits && bits < MAX_INDEX_BITS)
		resize(tab, bits, bits + 1);
	else if (tab->n_nodes < (1u << bits) / 16 && bits > MIN_INDEX_BITS)
		resize(tab, bits, bits - 2 < MIN_INDEX_BITS ? MIN_INDEX_BITS : bits - 2);
}

/* -- nodes ----------------------------------------------------------------------------------- */

static void node_fill(struct nodetab *tab, struct node *node, const struct node_key *key,
		      uint64_t id)
{
	node->ino = key->ino;
	node->filters = key->filters;
	node->parent = 0;
	node->fh.len = key->fh.len;
	node->fh.type = key->fh.type;
	node->fh.mount = key->fh.mount;
	memcpy(node->fh.bytes, key->fh.bytes, sizeof(node->fh.bytes));
	if (key->fh.len > FHANDLE_SHORT)
		tails_put(&tab->tails, node_number(tab, node), &key->fh);
	node->type = key->type;
	node->flags = key->flags;
	node->fd_slot = key->flags & NODE_OWN_FD ? (uint32_t)key->own_fd : 0;
	node->backing_id = 0;
	node->n_open = 0;
	node->io_mode = 0;
	node->casefold = 0;
	node->served = 0;
	node->watch = 0;
	node->shadow_ms = 0;
	node->shadow = 0;
	node->passthrough_flags = 0;
	node->attr_state = 0;
	node->n_writers = 0;
	atomic_store_explicit(&node->id, id, memory_order_relaxed);
	atomic_store_explicit(&node->count, 1, memory_order_release);
}

void nodetab_set_key(struct nodetab *tab, const uint64_t key[2])
{
	memcpy(tab->secret, key, sizeof(tab->secret));
	tab->keyed = true;
}

/* One key does for several trees: a handle of one says nothing in another. */
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
		.type = 0040000,
		.flags = own_fd >= 0 ? NODE_OWN_FD : 0,
		.own_fd = own_fd,
	};
	struct node *node;
	uint32_t serial;
	uint64_t hash;

	tab->shape = fhandle_shape(fh);
	if (tab->keyed)
		secret_of_root(tab, fh);
	node = record_alloc(tab, fh, &serial);
	if (!node)
		return -ENOMEM;
	node_fill(tab, node, &key, 1);
	tab->root = node;
	tab->n_nodes++;
	hash = hash_of_fh(tab, fh);
	pthread_mutex_lock(&tab->shard[hash % N_SHARDS]);
	chain_insert(tab, hash, node);
	pthread_mutex_unlock(&tab->shard[hash % N_SHARDS]);
	*ret_node = node;
	return 0;
}

struct node *node_lookup_id(struct nodetab *tab, uint64_t id)
{
	struct wanted wanted = { .id = id };
	uint32_t index;

	if (id == 1)
		return node_get(tab->root);
	if (!(id & INDEX_FORM))
		return id ? find(tab, hash_mix(id), &wanted) : NULL;
	index = (uint32_t)id & ~INDEX_FORM;
	/* Looking at a record beyond the last would give it memory. */
	if (index / BLOCK_NODES >= atomic_load_explicit(&tab->n_blocks, memory_order_relaxed) ||
	    !take_if_wanted(tab, &tab->nodes[index], &wanted))
		return NULL;
	return &tab->nodes[index];
}

/* The root is known by its handle, too, but goes under an id of its own. */
static struct wanted wanted_by_fh(struct nodetab *tab, const struct fhandle *fh)
{
	struct wanted wanted = { .fh = fh };

	if (!fhandle_pack(&tab->shape, fh, &wanted.id))
		wanted.id = 0;
	return wanted;
}

static bool is_root(struct nodetab *tab, const struct fhandle *fh)
{
	return tab->root && has_fh(tab, tab->root, fh);
}

struct node *node_lookup_fh(struct nodetab *tab, const struct fhandle *fh)
{
	struct wanted wanted = wanted_by_fh(tab, fh);

	if (is_root(tab, fh))
		return node_get(tab->root);
	return find(tab, hash_of_fh(tab, fh), &wanted);
}

int node_lookup_or_new(struct nodetab *tab, const struct node_key *key, struct node **ret_node,
		       bool *ret_new)
{
	struct wanted wanted = wanted_by_fh(tab, &key->fh);
	uint64_t hash = hash_of_fh(tab, &key->fh);
	bool new = false;
	struct node *node;
	uint32_t serial;

	node = is_root(tab, &key->fh) ? node_get(tab->root) : chain_walk(tab, hash, &wanted);
	if (!node) {
		pthread_mutex_lock(&tab->shard[hash % N_SHARDS]);
		node = chain_walk_locked(tab, hash, &wanted);
		if (!node) {
			node = record_alloc(tab, &key->fh, &serial);
			if (!node) {
				pthread_mutex_unlock(&tab->shard[hash % N_SHARDS]);
				return -ENOMEM;
			}
			node_fill(tab, node, key,
				  wanted.id ? wanted.id
					    : (uint64_t)serial << 32 | INDEX_FORM |
						      (uint32_t)(node - tab->nodes));
			chain_insert(tab, hash, node);
			new = true;
		}
		pthread_mutex_unlock(&tab->shard[hash % N_SHARDS]);
	}
	if (new) {
		tab->n_nodes++;
		resize_if_due(tab);
	}
	*ret_node = node;
	if (ret_new)
		*ret_new = new;
	return 0;
}

struct fhandle node_key_own(unsigned int mount, uint32_t dev_major, uint32_t dev_minor,
			    uint64_t ino)
{
	struct fhandle fh = { .len = 16, .type = TYPE_OWN, .mount = (uint16_t)mount };

	memcpy(fh.bytes, &dev_major, 4);
	memcpy(fh.bytes + 4, &dev_minor, 4);
	memcpy(fh.bytes + 8, &ino, 8);
	return fh;
}

struct node *node_get(struct node *node)
{
	atomic_fetch_add_explicit(&node->count, 1, memory_order_relaxed);
	return node;
}

/* The last count has gone: nobody can take a reference any more. */
static void node_die(struct nodetab *tab, struct node *node)
{
	uint64_t hash = hash_of_node(tab, node);

	if (tab->on_free)
		tab->on_free(tab->on_free_aux, node);
	pthread_mutex_lock(&tab->shard[hash % N_SHARDS]);
	chain_remove(tab, hash, node);
	atomic_store_explicit(&node->id, 0, memory_order_relaxed);
	pthread_mutex_unlock(&tab->shard[hash % N_SHARDS]);
	if (node->flags & NODE_OWN_FD)
		fd_close((int)node->fd_slot);
	record_free(tab, node);
	tab->n_nodes--;
	resize_if_due(tab);
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

void node_forget(struct nodetab *tab, struct node *node, uint64_t n)
{
	uint64_t count = atomic_load_explicit(&node->count, memory_order_relaxed), left;

	/* The root stays. More than was given cannot be taken back. */
	if (node == tab->root)
		return;
	do {
		left = count / NLOOKUP_ONE;
		left = n < left ? left - n : 0;
		left = left * NLOOKUP_ONE | (count & REF_MASK);
	} while (!atomic_compare_exchange_weak_explicit(&node->count, &count, left,
							memory_order_acq_rel, memory_order_relaxed));
	if (left == 0 && count != 0)
		node_die(tab, node);
}

void node_set_filters(struct node *node, uint64_t filters, uint64_t known)
{
	uint64_t now = atomic_load_explicit(&node->filters, memory_order_relaxed), then;

	do {
		then = now & NODE_FILTERS_SET & ~known ? now : now & ~known;
		then |= filters | NODE_FILTERS_SET;
	} while (now != then && !atomic_compare_exchange_weak(&node->filters, &now, then));
}

bool node_reset_filters(struct node *node, uint64_t filters, uint64_t known, uint64_t seen)
{
	return atomic_compare_exchange_strong(&node->filters, &seen,
					      (seen & ~known) | filters | NODE_FILTERS_SET);
}

uint32_t node_number(struct nodetab *tab, const struct node *node)
{
	return (uint32_t)(node - tab->nodes);
}

void nodetab_walk(struct nodetab *tab, node_walk_fn fn, void *aux)
{
	for (uint32_t b = 0; b < tab->n_blocks; b++) {
		uint64_t used[BLOCK_NODES / 64] = { 0 };

		pthread_mutex_lock(&tab->alloc_lock);
		if (b < tab->n_blocks)
			memcpy(used, tab->blocks[b].used, sizeof(used));
		pthread_mutex_unlock(&tab->alloc_lock);
		for (uint32_t i = 0; i < BLOCK_NODES; i++) {
			struct node *node = &tab->nodes[b * BLOCK_NODES + i];

			if (!(used[i / 64] >> i % 64 & 1) || !ref_unless_dead(node))
				continue;
			fn(aux, node);
			node_put(tab, node);
		}
	}
}

uint32_t node_generation(struct nodetab *tab, const struct node *node)
{
	if (node->id == 1)
		return 0;
	return (uint32_t)hash_keyed(tab->secret, node->id) | 1;
}

bool nodetab_packs(const struct nodetab *tab)
{
	return tab->shape.kind;
}

bool node_id_unpack(struct nodetab *tab, uint64_t id, struct fhandle *ret_fh)
{
	return fhandle_unpack(&tab->shape, id, ret_fh);
}

/* -- mounts ---------------------------------------------------------------------------------- */

int nodetab_mount_find(struct nodetab *tab, int mnt_id)
{
	unsigned int n = atomic_load_explicit(&tab->n_mounts, memory_order_acquire);

	for (unsigned int i = 0; i < n; i++)
		if (tab->mounts[i].mnt_id == mnt_id)
			return (int)i;
	return -ENOENT;
}

static bool is_same_device(const struct lower_mount *a, const struct lower_mount *b)
{
	return a->dev_major == b->dev_major && a->dev_minor == b->dev_minor;
}

struct node *node_lookup_alias(struct nodetab *tab, const struct node *node)
{
	unsigned int n = atomic_load_explicit(&tab->n_mounts, memory_order_acquire);
	struct node *alias = NULL;
	struct fhandle fh;

	if (!tab->has_aliases)
		return NULL;
	node_fhandle(tab, node, &fh);
	for (unsigned int i = 0; i < n && !alias; i++) {
		fh.mount = (uint16_t)i;
		if (i != node->fh.mount &&
		    is_same_device(&tab->mounts[i], &tab->mounts[node->fh.mount]))
			alias = node_lookup_fh(tab, &fh);
	}
	return alias;
}

int nodetab_mount_add(struct nodetab *tab, const struct lower_mount *mount)
{
	int number;

	pthread_mutex_lock(&tab->mount_lock);
	number = nodetab_mount_find(tab, mount->mnt_id);
	if (number >= 0) {
		fd_close(mount->fd);
	} else if (tab->n_mounts == MAX_MOUNTS) {
		fd_close(mount->fd);
		number = -ENFILE;
	} else {
		number = (int)tab->n_mounts;
		tab->mounts[number] = *mount;
		for (int i = 0; i < number; i++)
			tab->has_aliases |= is_same_device(&tab->mounts[i], mount);
		atomic_store_explicit(&tab->n_mounts, tab->n_mounts + 1, memory_order_release);
	}
	pthread_mutex_unlock(&tab->mount_lock);
	return number;
}

const struct lower_mount *nodetab_mount(struct nodetab *tab, unsigned int number)
{
	return &tab->mounts[number];
}
