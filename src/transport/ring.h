/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * An io_uring as the transport uses it: entries of 128 bytes, one thread that submits and reaps. It
 * is made by any thread, and is the one's that enables it from then on.
 */
#include <linux/io_uring.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ring {
	int fd;                                              /* owned; -1: none */
	unsigned int *sq_head, *sq_tail, *cq_head, *cq_tail; /* shared with the kernel */
	unsigned int sq_mask, sq_size, cq_mask;
	char *sqes; /* sq_size entries of RING_SQE bytes */
	struct io_uring_cqe *cqes;
	unsigned int tail;     /* ours: entries filled */
	unsigned int n_filled; /* of these, not yet submitted */
	void *map, *sqe_map;
	size_t map_size, sqe_map_size;
};

#define RING_SQE 128

/*
 * Room for n_sqe entries on their way and n_cqe completions not yet reaped; plain: it is any
 * thread's at once, and slow. 0 or -errno.
 */
int ring_init(struct ring *ring, unsigned int n_sqe, unsigned int n_cqe, bool plain);
void ring_fini(struct ring *ring);

/* Makes the ring this thread's. 0 or -errno. */
int ring_enable(struct ring *ring);

/*
 * An entry to fill, zeroed; those before it are submitted where there is no room. NULL: -errno set.
 */
struct io_uring_sqe *ring_sqe(struct ring *ring);
/*
 * Submits what is filled, and with wait sleeps until something has completed. 0, or -errno (-EINTR:
 * a signal came while waiting).
 */
int ring_enter(struct ring *ring, bool wait);

/*
 * The oldest completion, NULL when there is none; ring_seen() makes room for another in its place.
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
