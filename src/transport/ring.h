/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * An io_uring as the transport uses it: entries of 128 bytes, and one thread that submits commands
 * and takes completions. Any thread may call ring_init(). After ring_enable() only the thread that
 * called ring_enable() may use the ring: the kernel refuses all others.
 */
#include <linux/io_uring.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ring {
	int fd;                                    /* owned; -1 after ring_fini() */
	unsigned int *sq_tail, *cq_head, *cq_tail; /* shared with the kernel */
	unsigned int sq_mask, sq_size, cq_mask;
	char *sqes; /* sq_size entries of RING_SQE bytes */
	struct io_uring_cqe *cqes;
	unsigned int tail;     /* number of entries that were ever filled */
	unsigned int n_filled; /* number of filled entries that are not submitted yet */
	void *map, *sqe_map;
	size_t map_size, sqe_map_size;
};

#define RING_SQE 128

/*
 * Creates a ring with room for n_sqe entries to submit and n_cqe completions. If plain is true, any
 * thread may use the ring immediately, without ring_enable(), but completions are slower. Returns 0
 * or -errno; after a failure ring_fini() is not needed, but harmless.
 */
int ring_init(struct ring *ring, unsigned int n_sqe, unsigned int n_cqe, bool plain);
void ring_fini(struct ring *ring);

/* Binds the ring to the calling thread. Returns 0 or -errno. */
int ring_enable(struct ring *ring);

/*
 * Returns a zeroed entry to fill, which the next ring_enter() submits. If all entries are filled,
 * submits them first; returns NULL and errno if that fails.
 */
struct io_uring_sqe *ring_sqe(struct ring *ring);
/*
 * Submits the filled entries. If wait is true, also waits until there is a completion. Returns 0 or
 * -errno; -EINTR if a signal has interrupted the wait.
 */
int ring_enter(struct ring *ring, bool wait);

/*
 * Returns the oldest completion, or NULL if there is none. The completion is valid until
 * ring_seen(), after which the kernel may overwrite it.
 */
static inline struct io_uring_cqe *ring_cqe(const struct ring *ring)
{
	unsigned int head = *ring->cq_head;

	if (head == __atomic_load_n(ring->cq_tail, __ATOMIC_ACQUIRE))
		return NULL;
	return &ring->cqes[head & ring->cq_mask];
}

static inline void ring_seen(struct ring *ring)
{
	__atomic_store_n(ring->cq_head, *ring->cq_head + 1, __ATOMIC_RELEASE);
}
