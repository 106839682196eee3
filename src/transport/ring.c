// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The parts of io_uring that the transport needs, by system calls and without liburing, which would
 * be one more dependency for three calls, and which distributions ship without entries of 128
 * bytes.
 *
 * One thread submits to a ring (IORING_SETUP_SINGLE_ISSUER). The kernel runs the task work of a
 * completion when this thread calls io_uring_enter(2), not in the middle of its other work
 * (IORING_SETUP_DEFER_TASKRUN). No locks: only this thread uses the ring, except for ring_init()
 * and ring_fini().
 */
#include "transport/ring.h"
#include "util/fd.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static void *map_part(int fd, size_t size, off_t what)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, what);
}

static int map_ring(struct ring *ring, const struct io_uring_params *p)
{
	size_t sq = p->sq_off.array + p->sq_entries * sizeof(unsigned int);
	size_t cq = p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe);
	unsigned int *array;
	char *base;

	ring->map_size = sq > cq ? sq : cq;
	ring->sqe_map_size = (size_t)p->sq_entries * RING_SQE;
	ring->map = map_part(ring->fd, ring->map_size, IORING_OFF_SQ_RING);
	ring->sqe_map = map_part(ring->fd, ring->sqe_map_size, IORING_OFF_SQES);
	if (ring->map == MAP_FAILED || ring->sqe_map == MAP_FAILED)
		return -errno;
	base = ring->map;
	ring->sq_tail = (unsigned int *)(base + p->sq_off.tail);
	ring->cq_head = (unsigned int *)(base + p->cq_off.head);
	ring->cq_tail = (unsigned int *)(base + p->cq_off.tail);
	ring->sq_mask = *(unsigned int *)(base + p->sq_off.ring_mask);
	ring->cq_mask = *(unsigned int *)(base + p->cq_off.ring_mask);
	ring->cqes = (struct io_uring_cqe *)(base + p->cq_off.cqes);
	ring->sq_size = p->sq_entries;
	ring->sqes = ring->sqe_map;
	/* Entries are submitted in the order of this array, which never changes. */
	array = (unsigned int *)(base + p->sq_off.array);
	for (unsigned int i = 0; i < p->sq_entries; i++)
		array[i] = i;
	return 0;
}

int ring_init(struct ring *ring, unsigned int n_sqe, unsigned int n_cqe, bool plain)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_SQE128 | IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL |
			 IORING_SETUP_CLAMP,
		.cq_entries = n_cqe > n_sqe ? n_cqe : n_sqe,
	};
	int r;

	if (!plain)
		params.flags |= IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
				IORING_SETUP_R_DISABLED;
	*ring = (struct ring){ .map = MAP_FAILED, .sqe_map = MAP_FAILED };
	ring->fd = (int)syscall(SYS_io_uring_setup, n_sqe, &params);
	if (ring->fd < 0)
		return -errno;
	/* Every kernel that has FUSE over io_uring has one mapping for both queues and NODROP. */
	if (!(params.features & IORING_FEAT_SINGLE_MMAP) || !(params.features & IORING_FEAT_NODROP))
		r = -EOPNOTSUPP;
	else
		r = map_ring(ring, &params);
	if (r < 0)
		ring_fini(ring);
	return r;
}

void ring_fini(struct ring *ring)
{
	if (ring->map != MAP_FAILED)
		munmap(ring->map, ring->map_size);
	if (ring->sqe_map != MAP_FAILED)
		munmap(ring->sqe_map, ring->sqe_map_size);
	ring->map = ring->sqe_map = MAP_FAILED;
	ring->fd = fd_close(ring->fd);
}

int ring_enable(struct ring *ring)
{
	if (syscall(SYS_io_uring_register, ring->fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0) < 0)
		return -errno;
	return 0;
}

struct io_uring_sqe *ring_sqe(struct ring *ring)
{
	struct io_uring_sqe *sqe;

	/* When ring_enter() returns, the kernel has copied all entries, so each may be reused. */
	if (ring->n_filled == ring->sq_size && ring_enter(ring, false) < 0)
		return NULL;
	sqe = (struct io_uring_sqe *)(ring->sqes + (size_t)(ring->tail & ring->sq_mask) * RING_SQE);
	memset(sqe, 0, RING_SQE);
	ring->tail++;
	ring->n_filled++;
	return sqe;
}

int ring_enter(struct ring *ring, bool wait)
{
	int n;

	__atomic_store_n(ring->sq_tail, ring->tail, __ATOMIC_RELEASE);
	n = (int)syscall(SYS_io_uring_enter, ring->fd, ring->n_filled, wait,
			 wait ? IORING_ENTER_GETEVENTS : 0, NULL, _NSIG / 8);
	if (n < 0)
		return -errno;
	ring->n_filled -= (unsigned int)n;
	return 0;
}
