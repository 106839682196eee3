// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The handle table: chunks that never move, and a stack of free indexes. Like node records, handles
 * stay readable after they were freed. So finding a handle takes no lock: a thread takes a
 * reference unless the count is zero, then compares the generation. Locking: lock guards the stack
 * and the adding of chunks.
 */
#include "node/handle.h"
#include "node/node.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define CHUNK      256u
#define MAX_CHUNKS 4096u

struct handletab {
	struct nodetab *nodes;
	handle_free_fn on_free;
	void *on_free_aux;
	_Atomic uint64_t n_handles;
	_Atomic uint32_t n_chunks;
	struct handle *chunks[MAX_CHUNKS];

	pthread_mutex_t lock; /* guards the members below, and adding chunks */
	uint32_t generation;
	uint32_t *free; /* n_chunks * CHUNK entries, n_free in use */
	uint32_t n_free;
};

int handletab_new(struct handletab **ret_tab)
{
	struct handletab *tab = calloc(1, sizeof(*tab));

	if (!tab)
		return -ENOMEM;
	pthread_mutex_init(&tab->lock, NULL);
	*ret_tab = tab;
	return 0;
}

struct handletab *handletab_free(struct handletab *tab)
{
	if (!tab)
		return NULL;
	for (uint32_t c = 0; c < tab->n_chunks; c++) {
		for (uint32_t i = 0; i < CHUNK; i++) {
			struct handle *handle = &tab->chunks[c][i];

			/* The holders of other references have ended. */
			if (handle->refs) {
				handle->refs = 1;
				handle_put(tab, handle);
			}
			pthread_mutex_destroy(&handle->lock);
		}
		free(tab->chunks[c]);
	}
	pthread_mutex_destroy(&tab->lock);
	free(tab->free);
	free(tab);
	return NULL;
}

void handletab_on_free(struct handletab *tab, struct nodetab *nodes, handle_free_fn fn, void *aux)
{
	tab->nodes = nodes;
	tab->on_free = fn;
	tab->on_free_aux = aux;
}

/* Adds a chunk of free handles. Returns 0 or -errno. Caller holds the lock. */
static int chunk_add(struct handletab *tab)
{
	uint32_t n = tab->n_chunks;
	uint32_t *list;

	if (n == MAX_CHUNKS)
		return -ENFILE;
	list = realloc(tab->free, (n + 1) * CHUNK * sizeof(*list));
	if (!list)
		return -ENOMEM;
	tab->free = list;
	tab->chunks[n] = calloc(CHUNK, sizeof(struct handle));
	if (!tab->chunks[n])
		return -ENOMEM;
	for (uint32_t i = CHUNK; i-- > 0;) {
		tab->chunks[n][i].index = n * CHUNK + i;
		pthread_mutex_init(&tab->chunks[n][i].lock, NULL);
		tab->free[tab->n_free++] = n * CHUNK + i;
	}
	atomic_store_explicit(&tab->n_chunks, n + 1, memory_order_release);
	return 0;
}

int handle_new(struct handletab *tab, struct node *node, int flags, uint32_t uid,
	       struct handle **ret_handle)
{
	struct handle *handle;
	uint32_t index;
	int r = 0;

	pthread_mutex_lock(&tab->lock);
	if (tab->n_free == 0)
		r = chunk_add(tab);
	if (r == 0) {
		index = tab->free[--tab->n_free];
		handle = &tab->chunks[index / CHUNK][index % CHUNK];
		handle->generation = ++tab->generation;
	}
	pthread_mutex_unlock(&tab->lock);
	if (r < 0)
		return r;
	handle->flags = flags;
	handle->node = node_get(node);
	handle->dir = S_ISDIR(node->type);
	handle->io_mode = 0;
	handle->uid = uid;
	handle->fd = -1;
	handle->closed = false;
	handle->direct = flags & O_DIRECT;
	handle->stream = NULL;
	handle->served = false;
	tab->n_handles++;
	atomic_store_explicit(&handle->refs, 1, memory_order_release);
	*ret_handle = handle;
	return 0;
}

/* Takes a reference unless the count is zero. */
static bool handle_try_get(struct handle *handle)
{
	uint32_t refs = atomic_load_explicit(&handle->refs, memory_order_relaxed);

	do {
		if (refs == 0)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(
		&handle->refs, &refs, refs + 1, memory_order_acquire, memory_order_relaxed));
	return true;
}

struct handle *handle_lookup(struct handletab *tab, uint64_t fh)
{
	uint32_t index = (uint32_t)fh;
	struct handle *handle;

	if (index / CHUNK >= atomic_load_explicit(&tab->n_chunks, memory_order_acquire))
		return NULL;
	handle = &tab->chunks[index / CHUNK][index % CHUNK];
	if (!handle_try_get(handle))
		return NULL;
	if (handle->generation == (uint32_t)(fh >> 32))
		return handle;
	return handle_put(tab, handle);
}

void handletab_each(struct handletab *tab, void (*fn)(void *aux, struct handle *handle), void *aux)
{
	uint32_t n = atomic_load_explicit(&tab->n_chunks, memory_order_acquire);

	for (uint32_t c = 0; c < n; c++) {
		for (uint32_t i = 0; i < CHUNK; i++) {
			struct handle *handle = &tab->chunks[c][i];

			if (!handle_try_get(handle))
				continue;
			fn(aux, handle);
			handle_put(tab, handle);
		}
	}
}

struct handle *handle_get(struct handle *handle)
{
	atomic_fetch_add_explicit(&handle->refs, 1, memory_order_relaxed);
	return handle;
}

struct handle *handle_put(struct handletab *tab, struct handle *handle)
{
	if (!handle || atomic_fetch_sub_explicit(&handle->refs, 1, memory_order_acq_rel) != 1)
		return NULL;
	if (tab->on_free)
		tab->on_free(tab->on_free_aux, handle);
	node_put(tab->nodes, handle->node);
	tab->n_handles--;
	pthread_mutex_lock(&tab->lock);
	tab->free[tab->n_free++] = handle->index;
	pthread_mutex_unlock(&tab->lock);
	return NULL;
}

uint64_t handletab_count(struct handletab *tab)
{
	return tab->n_handles;
}
