/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Thread pool for requests that may block (disk, lease, lock of a lower file, remote lower file
 * system).
 *
 * The pool has n_keep threads, starts more while requests are queued, and ends those again after
 * some idle seconds. Requests wait in a fair queue (server/fair-queue.h): one user, whatever he is
 * waiting for, never has all threads nor all room in the queue.
 *
 * Some operations go to the pool by their nature. All others go there while the lower file system
 * is slow: on another machine, or, for a second, after an operation there took long.
 *
 * An INTERRUPT for a queued request ends it with -EINTR. For a running request it sends a signal to
 * the thread, which ends a system call that signals can end. Both only when the caller is being
 * killed.
 */
#include "request/req.h"
#include "server/watchdog.h"
#include "server/request-pool.h"
#include "server/fair-queue.h"

#include <pthread.h>
#include <sched.h>

#define POOL_MAX 256u
#define POOL_EARLY 64u

struct pool_thread {
	struct pool *pool;
	pthread_t thread;
	enum { POOL_NONE, POOL_RUNS, POOL_ENDED } state; /* ended: to be joined */
	struct req *req;		/* that the thread serves; NULL: it is idle */
	uint64_t unique;		/* of req, as what follows */
	uint32_t uid, pid;
	uint32_t began_ms;
	bool by_nature;			/* it is expected to take long */
	bool interrupted;		/* the thread gets signals until req has been served */
};

struct pool {
	struct request_pool *requests;	/* borrowed: where served requests go */
	struct watchdog *watchdog;	/* borrowed: calls pool_check() */
	struct latency *latency;	/* borrowed */
	cpu_set_t *cpus;		/* constant: where the pool may run; workers stay on one CPU */
	unsigned int n_keep, n_max;	/* constant; 0: there is no pool */

	pthread_mutex_t lock;		/* guards what follows */
	pthread_cond_t work;		/* the queue has grown, or the pool stops */
	struct fair_queue queue;
	struct pool_thread *threads;	/* n_max */
	unsigned int n, n_idle;
	bool stop;
	uint64_t early[POOL_EARLY];	/* interrupted requests that are not in the pool (yet) */
	unsigned int n_early;
};

void pool_init(struct pool *pool, struct request_pool *requests, struct watchdog *watchdog,
	       struct latency *latency);
/* Starts n_keep threads (0: there is no pool). 0 or -errno; some threads may run then. */
int pool_start(struct pool *pool, unsigned int n_keep);
/*
 * Returns true where the user of the request may have one more in the pool, which has room for
 * n_room.
 */
bool pool_has_room(struct pool *pool, const struct req *req, unsigned int n_room);
/*
 * The request is the pool's from then on. by_nature: see above. at_once: only where a thread is
 * free for it; else returns false, and the request is still the caller's.
 */
bool pool_push(struct pool *pool, struct req *req, bool by_nature, bool at_once);
/* Interrupts the request with this number, or the one that will come with it. */
void pool_interrupt(struct pool *pool, uint64_t unique);
/*
 * For the watchdog: notes what takes long, and repeats signals that may have come before the system
 * call they were to end. Returns false while that is not needed.
 */
bool pool_check(struct pool *pool);
/* Serves what is queued, and ends the threads: those that wait for others are interrupted. */
void pool_stop(struct pool *pool);
void pool_fini(struct pool *pool);
