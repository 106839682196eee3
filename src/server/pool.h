/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Thread pool for requests that may block (disk, lease, lock of a lower file, remote lower file
 * system).
 *
 * The pool has n_keep threads, starts more while requests are queued, and ends those again after
 * some idle seconds. Requests wait in a fair queue (server/fair-queue.h): one user never has all
 * threads, nor all room in the queue.
 *
 * Operations that may block always go to the pool (may_block). All others go there while the lower
 * file system is slow: it is remote, or an operation there was slow within the last second
 * (request/latency.h).
 *
 * An INTERRUPT ends a queued request with -EINTR. For a running request the pool sends a signal to
 * the thread, which ends a system call that signals can end. Both happen only while the caller is
 * being killed.
 */
#include "request/req.h"
#include "server/fair-queue.h"
#include "server/request-pool.h"
#include "server/ticker.h"

#include <pthread.h>
#include <sched.h>

#define POOL_MAX   256u
#define POOL_EARLY 64u

struct pool_thread {
	struct pool *pool;
	pthread_t thread;
	enum { POOL_NONE, POOL_RUNS, POOL_ENDED } state; /* ended: to be joined */
	struct req *req; /* the request that runs here; NULL: the thread is idle */
	uint64_t unique; /* of req, as the members below */
	uint32_t uid, pid;
	uint32_t began_ms;
	bool may_block;   /* req takes long on a fast file system, too */
	bool interrupted; /* the thread gets signals until req has ended */
};

struct pool {
	struct request_pool *requests; /* borrowed: takes requests that have ended */
	struct ticker *watchdog;       /* borrowed: calls pool_check() */
	cpu_set_t *cpus;               /* constant: CPUs that the pool may run on */
	unsigned int n_keep, n_max;    /* constant; 0: there is no pool */

	pthread_mutex_t lock; /* guards the members below */
	pthread_cond_t work;  /* the queue has grown, or the pool stops */
	struct fair_queue queue;
	struct pool_thread *threads; /* n_max */
	unsigned int n, n_idle;
	bool stop;
	uint64_t early[POOL_EARLY]; /* requests whose INTERRUPT came first */
	unsigned int n_early;
};

void pool_init(struct pool *pool, struct request_pool *requests, struct ticker *watchdog);
/* Starts n_keep threads (0: there is no pool). Returns 0 or -errno; some threads may run then. */
int pool_start(struct pool *pool, unsigned int n_keep);
/*
 * Returns true where the pool, with room for n_room requests, has room for one more of this user.
 */
bool pool_has_room(struct pool *pool, const struct req *req, unsigned int n_room);
/*
 * Hands a request to the pool. at_once: only where a thread is free for it; else returns false, and
 * the caller still has the request.
 */
bool pool_push(struct pool *pool, struct req *req, bool may_block, bool at_once);
/* Interrupts the request with this number, even if it arrives only later. */
void pool_interrupt(struct pool *pool, uint64_t unique);
/*
 * For the watchdog: records how long operations have taken until now, and repeats signals that may
 * have come before the system call that they have to end. Returns false while no thread has to be
 * checked.
 */
bool pool_check(struct pool *pool);
/* Runs the queued requests and ends the threads. Interrupts requests that wait. */
void pool_stop(struct pool *pool);
void pool_fini(struct pool *pool);
