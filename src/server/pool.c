// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/pool.h"
#include "util/clock.h"
#include "util/cpu.h"
#include "util/proc.h"
#include "util/thread.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

/* Threads beyond n_keep end after so many idle seconds. */
#define IDLE_S 10
/* The pool has at most GROWTH * n_keep threads. */
#define GROWTH 8

void pool_init(struct pool *pool, struct request_pool *requests, struct ticker *watchdog)
{
	*pool = (struct pool){ .requests = requests, .watchdog = watchdog };
	pthread_mutex_init(&pool->lock, NULL);
	clock_cond_init(&pool->work);
}

/*
 * Waits for a request. Returns false if the thread has been idle for long enough to end. Caller
 * holds the lock.
 */
static bool wait_for_work(struct pool *pool)
{
	int r = 0;

	pool->n_idle++;
	if (pool->n <= pool->n_keep)
		pthread_cond_wait(&pool->work, &pool->lock);
	else
		r = clock_cond_wait_ms(&pool->work, &pool->lock, IDLE_S * 1000);
	pool->n_idle--;
	return r != ETIMEDOUT || pool->n <= pool->n_keep;
}

/* Waits for and returns the next request, or NULL if the thread must end. Caller holds the lock. */
static struct req *next(struct pool *pool)
{
	bool goes_on = true;

	for (;;) {
		struct req *req = fair_queue_pop(&pool->queue);

		if (req || !goes_on || (pool->stop && !pool->queue.n_queued))
			return req;
		goes_on = wait_for_work(pool);
	}
}

static void begin(struct pool_thread *thread, struct req *req)
{
	thread->req = req;
	thread->unique = req->msg.head->unique;
	thread->uid = req->msg.head->uid;
	thread->pid = req->msg.head->pid;
	thread->slot = req_has_pool_slot(req);
	thread->may_block = req->may_block;
	thread->began_ms = clock_ms();
	thread->interrupted = thread->pool->stop;
}

static __thread bool is_pool_thread;

bool pool_is_this_thread(void)
{
	return is_pool_thread;
}

static void *pool_main(void *arg)
{
	struct pool_thread *thread = arg;
	struct pool *pool = thread->pool;
	struct req *req;

	fs_thread_init();
	fs_thread_may_wait(true);
	is_pool_thread = true;
	/* The thread inherits the affinity of the worker that started it, maybe a pinned one. */
	if (pool->cpus)
		sched_setaffinity(0, CPU_SET_BYTES, pool->cpus);
	pthread_mutex_lock(&pool->lock);
	while ((req = next(pool))) {
		begin(thread, req);
		pthread_mutex_unlock(&pool->lock);
		if (!thread->may_block)
			ticker_wake(pool->watchdog);
		request_pool_put(pool->requests, req_serve(req));
		pthread_mutex_lock(&pool->lock);
		thread->req = NULL;
		fair_queue_done(&pool->queue, thread->uid, thread->slot);
		/* Shares of other users may have grown by more than one thread: wake another. */
		if (pool->queue.n_queued)
			pthread_cond_signal(&pool->work);
	}
	pool->n--;
	thread->state = POOL_ENDED;
	pthread_cond_broadcast(&pool->work);
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

/* Starts one more thread unless n_max run. Returns 0 or -errno. Caller holds the lock. */
static int grow(struct pool *pool)
{
	struct pool_thread *thread = pool->threads;
	int r;

	if (pool->n == pool->n_max)
		return 0;
	while (thread->state == POOL_RUNS)
		thread++;
	if (thread->state == POOL_ENDED)
		pthread_join(thread->thread, NULL);
	*thread = (struct pool_thread){ .pool = pool };
	r = thread_create(&thread->thread, NULL, pool_main, thread);
	if (r < 0)
		return r;
	thread->state = POOL_RUNS;
	pool->n++;
	return 0;
}

int pool_start(struct pool *pool, unsigned int n_keep)
{
	unsigned int n_max = n_keep * GROWTH < POOL_MAX ? n_keep * GROWTH : POOL_MAX;
	int r = 0;

	if (!n_keep)
		return 0;
	pool->threads = calloc(n_max, sizeof(*pool->threads));
	if (!pool->threads)
		return -ENOMEM;
	pool->n_keep = n_keep;
	pool->n_max = n_max;
	pool->cpus = cpu_allowed();
	fair_queue_init(&pool->queue, n_max);
	pthread_mutex_lock(&pool->lock);
	while (pool->n < n_keep && r == 0)
		r = grow(pool);
	pthread_mutex_unlock(&pool->lock);
	return r;
}

bool pool_has_room(struct pool *pool, const struct req *req, unsigned int n_room)
{
	bool has;

	pthread_mutex_lock(&pool->lock);
	has = fair_queue_has_room(&pool->queue, req, n_room);
	pthread_mutex_unlock(&pool->lock);
	return has;
}

/* -- requests and interrupts ------------------------------------------------------------------ */

/* Returns true if the INTERRUPT arrived before the request. Caller holds the lock. */
static bool was_early(struct pool *pool, uint64_t unique)
{
	for (unsigned int i = 0; i < POOL_EARLY; i++) {
		if (pool->early[i] != unique)
			continue;
		pool->early[i] = 0;
		return true;
	}
	return false;
}

/*
 * Requests are interrupted for clients that are being killed only (proc_is_dying()): the kernel
 * sends INTERRUPT for every signal without its number, also for a stop, and for handlers with
 * SA_RESTART, after which a system call must not fail with EINTR.
 */

/*
 * Returns true if a thread can run the request immediately; starts a thread if necessary. Caller
 * holds the lock.
 */
static bool runs_at_once(struct pool *pool, const struct req *req)
{
	if (!fair_queue_may_run(&pool->queue, req))
		return false;
	/* Queued requests take idle threads first, even if not all of these may run now. */
	if (pool->queue.n_queued < pool->n_idle)
		return true;
	return pool->queue.n_queued < pool->n_idle + pool->n_max - pool->n && grow(pool) == 0;
}

bool pool_push(struct pool *pool, struct req *req, bool may_block, bool at_once)
{
	bool early;

	pthread_mutex_lock(&pool->lock);
	if (at_once && !runs_at_once(pool, req)) {
		pthread_mutex_unlock(&pool->lock);
		return false;
	}
	req->in_pool = true;
	req->may_block = may_block;
	req->at_once = at_once;
	early = was_early(pool, req->msg.head->unique) && proc_is_dying(req->msg.head->pid);
	if (!early) {
		fair_queue_push(&pool->queue, req);
		/*
		 * With at_once, runs_at_once() has started a thread if necessary. If grow() fails,
		 * the existing threads run the request in its turn.
		 */
		if (!at_once && pool->queue.n_queued > pool->n_idle)
			grow(pool);
		pthread_cond_signal(&pool->work);
	}
	pthread_mutex_unlock(&pool->lock);
	if (early)
		request_pool_put(pool->requests, req_finish(req, -EINTR));
	return true;
}

void pool_run(struct pool *pool, struct req *req)
{
	req->measured = false;
	if (pool->n_max)
		pool_push(pool, req, true, false);
	else
		request_pool_put(pool->requests, req_serve(req));
}

bool pool_was_interrupted(struct pool *pool, uint64_t unique)
{
	bool was;

	pthread_mutex_lock(&pool->lock);
	was = was_early(pool, unique);
	pthread_mutex_unlock(&pool->lock);
	return was;
}

/*
 * The flight of a request that was parked has ended: runs the request here, which saves the wake of
 * a thread, or in the pool.
 */
static void resume(struct source_waiter *waiter, int r, bool here)
{
	struct req *req = (struct req *)((char *)waiter - offsetof(struct req, wait));
	struct pool *pool = req->wait_in;

	req->waited = r;
	req_wake(req);
	req->in_pool = !here;
	pthread_mutex_lock(&pool->lock);
	if (was_early(pool, waiter->unique) && proc_is_dying(waiter->pid))
		req->waited = -EINTR;
	if (!here) {
		req->may_block = true;
		req->at_once = false;
		fair_queue_push(&pool->queue, req);
		if (pool->queue.n_queued > pool->n_idle)
			grow(pool);
		pthread_cond_signal(&pool->work);
	}
	pthread_mutex_unlock(&pool->lock);
	if (here)
		request_pool_put(pool->requests, req_serve(req));
}

int pool_park(struct pool *pool, struct req *req)
{
	int r;

	req->wait.done = resume;
	req->wait.unique = req->msg.head->unique;
	req->wait.pid = req->msg.head->pid;
	req->wait_in = pool;
	pthread_mutex_lock(&pool->lock);
	/* Under the lock, so that an INTERRUPT finds the request, or comes before it. */
	if (was_early(pool, req->wait.unique) && proc_is_dying(req->wait.pid))
		r = -EINTR;
	else
		r = source_wait(pool->source, &req->wait);
	if (r == 1 && req->wait.piece != FS_WHOLE)
		ticker_wake(pool->watchdog);
	pthread_mutex_unlock(&pool->lock);
	return r;
}

/*
 * Ends the wait of a parked request, and returns it, if its client is being killed; else returns
 * NULL. Caller holds the lock.
 */
static struct req *take_parked(struct pool *pool, uint64_t unique)
{
	struct source_waiter *waiter =
		pool->source ? source_leave(pool->source, unique, proc_is_dying) : NULL;
	struct req *req;

	if (!waiter)
		return NULL;
	req = (struct req *)((char *)waiter - offsetof(struct req, wait));
	req_wake(req);
	/* The call may be cancelled now. */
	ticker_wake(pool->watchdog);
	return req;
}

/*
 * Removes a request from the queue and returns it if its client is being killed; else returns NULL.
 * Caller holds the lock.
 */
static struct req *take_queued(struct pool *pool, uint64_t unique)
{
	struct req *req = fair_queue_remove(&pool->queue, unique);

	if (!req || proc_is_dying(req->msg.head->pid))
		return req;
	fair_queue_push(&pool->queue, req);
	return NULL;
}

/* Caller holds the lock. */
static struct pool_thread *find_running(struct pool *pool, uint64_t unique)
{
	for (unsigned int i = 0; i < pool->n_max; i++)
		if (pool->threads[i].req && pool->threads[i].unique == unique)
			return &pool->threads[i];
	return NULL;
}

void pool_interrupt(struct pool *pool, uint64_t unique)
{
	struct pool_thread *thread;
	struct req *req;

	pthread_mutex_lock(&pool->lock);
	req = take_queued(pool, unique);
	if (!req)
		req = take_parked(pool, unique);
	thread = req ? NULL : find_running(pool, unique);
	if (thread && proc_is_dying(thread->pid)) {
		thread->interrupted = true;
		thread_wake(thread->thread);
		ticker_wake(pool->watchdog);
	} else if (!req && !thread) {
		pool->early[pool->n_early++ % POOL_EARLY] = unique;
	}
	pthread_mutex_unlock(&pool->lock);
	if (req)
		request_pool_put(pool->requests, req_finish(req, -EINTR));
}

bool pool_check(struct pool *pool)
{
	uint32_t now = clock_ms();
	bool needed = false;

	pthread_mutex_lock(&pool->lock);
	for (unsigned int i = 0; i < pool->n_max; i++) {
		struct pool_thread *thread = &pool->threads[i];

		if (!thread->req)
			continue;
		needed |= thread->interrupted || !thread->may_block;
		if (thread->interrupted)
			thread_wake(thread->thread);
		if (!thread->may_block)
			latency_record(&pool->requests->host->latency, now - thread->began_ms);
	}
	pthread_mutex_unlock(&pool->lock);
	return pool->source ? source_check(pool->source, proc_is_dying) || needed : needed;
}

/* -- the end ---------------------------------------------------------------------------------- */

void pool_stop(struct pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	pool->stop = true;
	pthread_cond_broadcast(&pool->work);
	while (pool->n) {
		/* No client waits for these replies, so signals may interrupt the system calls. */
		for (unsigned int i = 0; i < pool->n_max; i++)
			if (pool->threads[i].req)
				thread_wake(pool->threads[i].thread);
		clock_cond_wait_ms(&pool->work, &pool->lock, 5);
	}
	pthread_mutex_unlock(&pool->lock);
	for (unsigned int i = 0; i < pool->n_max; i++)
		if (pool->threads[i].state == POOL_ENDED)
			pthread_join(pool->threads[i].thread, NULL);
}

void pool_fini(struct pool *pool)
{
	pthread_cond_destroy(&pool->work);
	pthread_mutex_destroy(&pool->lock);
	if (pool->cpus)
		CPU_FREE(pool->cpus);
	free(pool->threads);
}
