/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * An io_uring as the transport uses it: entries of 128 bytes, and one thread that submits and takes
 * completions. Any thread may make a ring; from ring_enable() on only the thread that called that
 * uses it.
 */
#include <linux/io_uring.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ring {
	int fd;                                    /* owned; -1: none */
	unsigned int *sq_tail, *cq_head, *cq_tail; /* shared with the kernel */
	unsigned int sq_mask, sq_size, cq_mask;
	char *sqes; /* sq_size entries of RING_SQE bytes */
	struct io_uring_cqe *cqes;
	unsigned int tail;     /* entries that were filled */
	unsigned int n_filled; /* of these, those not submitted yet */
	void *map, *sqe_map;
	size_t map_size, sqe_map_size;
};

#define RING_SQE 128

/*
 * Makes a ring with room for n_sqe entries to submit and n_cqe completions. plain: any thread may
 * use the ring at once, without ring_enable(); completions are slower then. Returns 0 or -errno.
 */
int ring_init(struct ring *ring, unsigned int n_sqe, unsigned int n_cqe, bool plain);
void ring_fini(struct ring *ring);

/* Binds the ring to the calling thread. Returns 0 or -errno. */
int ring_enable(struct ring *ring);

/*
 * Returns an entry to fill, zeroed; submits the filled ones first if there is no room. NULL: that
 * failed, errno is set.
 */
struct io_uring_sqe *ring_sqe(struct ring *ring);
/*
 * Submits the filled entries. wait: sleeps until there is a completion. Returns 0, or -errno
 * (-EINTR: a signal came while it waited).
 */
int ring_enter(struct ring *ring, bool wait);

/*
 * Returns the oldest completion, NULL: there is none. ring_seen() gives its place back to the
 * kernel.
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
