// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/delays.h"
#include "util/clock.h"
#include "util/proc.h"
#include "util/thread.h"

#include <errno.h>

#define NS_PER_S 1000000000ULL

void delays_init(struct delays *delays, struct pool *pool)
{
	*delays = (struct delays){ .pool = pool };
	pthread_mutex_init(&delays->lock, NULL);
	clock_cond_init(&delays->changed);
}

static void wake(struct delays *delays, struct req *req)
{
	req_wake(req);
	pool_run(delays->pool, req);
}

/* Waits until the first request is due, or stop is set. Caller holds the lock. */
static struct req *next(struct delays *delays)
{
	for (;;) {
		struct req *req = delays->first;
		struct timespec until;

		if (req && (delays->stop || req->until_ns <= clock_ns())) {
			delays->first = req->next;
			return req;
		}
		if (delays->stop)
			return NULL;
		if (req) {
			until.tv_sec = (time_t)(req->until_ns / NS_PER_S);
			until.tv_nsec = (long)(req->until_ns % NS_PER_S);
			pthread_cond_timedwait(&delays->changed, &delays->lock, &until);
		} else {
			pthread_cond_wait(&delays->changed, &delays->lock);
		}
	}
}

static void *delays_main(void *arg)
{
	struct delays *delays = arg;
	struct req *req;

	/* Without a thread pool, requests run in this thread. */
	fs_thread_init();
	fs_thread_may_wait(true);
	pthread_mutex_lock(&delays->lock);
	while ((req = next(delays))) {
		pthread_mutex_unlock(&delays->lock);
		wake(delays, req);
		pthread_mutex_lock(&delays->lock);
	}
	pthread_mutex_unlock(&delays->lock);
	return NULL;
}

/* Starts the thread, with the first request. Returns 0 or -errno. Caller holds the lock. */
static int start(struct delays *delays)
{
	int r = delays->started ? 0 : thread_create(&delays->thread, NULL, delays_main, delays);

	delays->started = r == 0;
	return r;
}

int delays_add(struct delays *delays, struct req *req)
{
	struct req **at = &delays->first;
	uint64_t unique = req->msg.head->unique;
	bool stop;
	int r = 0;

	req->until_ns = clock_ns() + req->delay_us * 1000ULL;
	req->delay_us = 0;
	pthread_mutex_lock(&delays->lock);
	stop = delays->stop;
	if (!stop)
		r = start(delays);
	if (!stop && r == 0) {
		while (*at && (*at)->until_ns <= req->until_ns)
			at = &(*at)->next;
		req->next = *at;
		*at = req;
		if (delays->first == req)
			pthread_cond_signal(&delays->changed);
	}
	pthread_mutex_unlock(&delays->lock);
	/* From here on, another thread may own the request. */
	if (stop)
		wake(delays, req);
	else if (r == 0 && pool_was_interrupted(delays->pool, unique))
		delays_interrupt(delays, unique);
	return r;
}

bool delays_interrupt(struct delays *delays, uint64_t unique)
{
	struct req **at = &delays->first, *req;

	pthread_mutex_lock(&delays->lock);
	while ((req = *at) && req->msg.head->unique != unique)
		at = &req->next;
	if (!req || !proc_is_dying(req->msg.head->pid)) {
		pthread_mutex_unlock(&delays->lock);
		return req;
	}
	*at = req->next;
	pthread_mutex_unlock(&delays->lock);
	if (req->stage == STAGE_DECIDED)
		req->result = -EINTR;
	wake(delays, req);
	return true;
}

void delays_stop(struct delays *delays)
{
	bool started;

	pthread_mutex_lock(&delays->lock);
	delays->stop = true;
	started = delays->started;
	pthread_cond_signal(&delays->changed);
	pthread_mutex_unlock(&delays->lock);
	if (started)
		pthread_join(delays->thread, NULL);
	delays->started = false;
}

void delays_fini(struct delays *delays)
{
	pthread_cond_destroy(&delays->changed);
	pthread_mutex_destroy(&delays->lock);
}
