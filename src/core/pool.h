/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Threads for what may take its time: requests wait in one queue, first come, first served.
 *
 * Some operations are for the pool by their nature. All others are where what they ask below is slow:
 * on another machine, or, for a moment, since an operation there has just taken long. These come only
 * while a thread is free for them.
 */
#include "core/req.h"
#include "core/supply.h"

#include <pthread.h>

struct pool {
	struct supply *supply; /* borrowed: where requests go that are done with */
	pthread_t *threads;
	unsigned int n;		  /* started */
	_Atomic int n_free;	  /* threads that wait, less what waits for them; lock to write */
	_Atomic uint32_t slow_ms; /* the clock, when something had taken long; 0: never */

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t work;  /* the queue has grown, or it is the end */
	struct req *queue, **queue_end;
	bool stop;
};

void pool_init(struct pool *pool, struct supply *supply);
/* 0 or -errno; some threads may run then. */
int pool_start(struct pool *pool, unsigned int n);
/*
 * The request is the pool's from then on; if_free: unless no thread is free, then false. There are
 * threads.
 */
bool pool_push(struct pool *pool, struct req *req, bool if_free);
/* How long an operation took that is not for the pool by its nature. */
void pool_took(struct pool *pool, uint32_t ms);
/* Whether such operations shall come, where what they ask is far or not. */
bool pool_wants(const struct pool *pool, bool far);
/* Serves what waits, and ends the threads. */
void pool_stop(struct pool *pool);
void pool_fini(struct pool *pool);
