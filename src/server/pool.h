/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Thread pool for requests that may block (disk, lease, lock of a lower file, remote lower file
 * system).
 *
 * The pool has n_keep threads, starts more while requests are queued, and ends the additional ones
 * after some idle seconds. Requests wait in a fair queue (server/fair-queue.h): one user never has
 * all threads, nor all room in the queue.
 *
 * Operations that may block always go to the pool (may_block). All other operations go there while
 * the lower file system is slow: it is remote, or an operation was slow within the last second
 * (request/latency.h).
 *
 * An INTERRUPT ends a queued request with -EINTR. For a running request the pool sends a signal to
 * the thread, so that a system call which signals can interrupt fails with EINTR. The pool does
 * both only if the caller is being killed.
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
	enum { POOL_NONE, POOL_RUNS, POOL_ENDED } state; /* POOL_ENDED must be joined */
	struct req *req; /* the request that runs here; NULL if the thread is idle */
	uint64_t unique; /* of req, as the members below */
	uint32_t uid, pid;
	uint32_t began_ms;
	bool slot;        /* req had req_has_pool_slot() when it was queued */
	bool may_block;   /* req may take long even on a fast file system */
	bool interrupted; /* the thread gets signals until req has ended */
};

struct pool {
	struct request_pool *requests; /* borrowed; requests are put back to it */
	struct ticker *watchdog;       /* borrowed; calls pool_check() */
	struct source *source;         /* borrowed, set before pool_start(); or NULL */
	cpu_set_t *cpus;               /* constant: CPUs that the pool may run on */
	unsigned int n_keep, n_max;    /* constant; 0 if there is no pool */

	pthread_mutex_t lock; /* guards the members below */
	pthread_cond_t work;  /* the queue has grown, or the pool stops */
	struct fair_queue queue;
	struct pool_thread *threads; /* n_max */
	unsigned int n, n_idle;
	bool stop;
	uint64_t early[POOL_EARLY]; /* requests whose INTERRUPT arrived before them */
	unsigned int n_early;
};

void pool_init(struct pool *pool, struct request_pool *requests, struct ticker *watchdog);
/* Returns true in a thread of a pool, which owns no request when it has none to run. */
bool pool_is_this_thread(void);
/*
 * Starts n_keep threads, or none for 0. Returns 0, or -errno; some threads may run even after a
 * failure, until pool_stop().
 */
int pool_start(struct pool *pool, unsigned int n_keep);
/* Returns true if the pool, with room for n_room requests, has room for one more of this user. */
bool pool_has_room(struct pool *pool, const struct req *req, unsigned int n_room);
/*
 * Hands a request to the pool, which then owns it, and returns true. If at_once is true and no
 * thread is free for the request, returns false, and the caller keeps the request.
 */
bool pool_push(struct pool *pool, struct req *req, bool may_block, bool at_once);
/* Runs a request that has been asleep: in a thread of the pool, or here if there is no pool. */
void pool_run(struct pool *pool, struct req *req);
/*
 * Lets a request wait for a hollow file (req->wait) without a thread; resume() runs it again
 * after the wait. Returns 1, and the pool owns the request; 0 if there is nothing to wait for; or
 * -errno.
 */
int pool_park(struct pool *pool, struct req *req);
/* Returns true, once, if the INTERRUPT of a request arrived before the request waited. */
bool pool_was_interrupted(struct pool *pool, uint64_t unique);
/* Interrupts the request with this number, even if the request arrives only later. */
void pool_interrupt(struct pool *pool, uint64_t unique);
/*
 * For the watchdog: records how long operations have taken until now, and repeats signals, because
 * a signal that arrives before the system call does not interrupt it. Returns false if no thread
 * has to be checked again.
 */
bool pool_check(struct pool *pool);
/* Runs the queued requests and ends the threads. Interrupts requests that wait. */
void pool_stop(struct pool *pool);
void pool_fini(struct pool *pool);
