/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Requests that filters delay (call->delay_us). They are asleep meanwhile, without a thread and
 * without a slot that filters access, so a user who is delayed holds nobody up.
 *
 * One thread wakes the requests; it is started with the first delay. No other lock is taken under
 * delays->lock.
 */
#include "server/pool.h"

#include <pthread.h>

struct delays {
	struct pool *pool;      /* borrowed, constant: runs the requests */
	pthread_mutex_t lock;   /* guards the members below */
	pthread_cond_t changed; /* another request is the first, or stop is set */
	struct req *first;      /* linked by req->next; the first to wake comes first */
	pthread_t thread;
	bool started, stop;
};

void delays_init(struct delays *delays, struct pool *pool);
/*
 * Adds a request that is asleep, and wakes it after req->delay_us. Returns 0, and another thread
 * may own the request; or -errno if the thread cannot be started.
 */
int delays_add(struct delays *delays, struct req *req);
/*
 * Wakes the request with this number if its client is being killed: the operation fails with EINTR
 * if it has not run yet. Returns true if the request is delayed.
 */
bool delays_interrupt(struct delays *delays, uint64_t unique);
/* Wakes all requests. From then on, no request is delayed. */
void delays_stop(struct delays *delays);
void delays_fini(struct delays *delays);
