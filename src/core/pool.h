/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Threads for what may take its time: requests wait in one queue, first come, first served. */
#include "core/req.h"
#include "core/supply.h"

#include <pthread.h>

struct pool {
	struct supply *supply; /* borrowed: where requests go that are done with */
	pthread_t *threads;
	unsigned int n; /* started */

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t work;  /* the queue has grown, or it is the end */
	struct req *queue, **queue_end;
	bool stop;
};

void pool_init(struct pool *pool, struct supply *supply);
/* 0 or -errno; some threads may run then. */
int pool_start(struct pool *pool, unsigned int n);
/* The request is the pool's from then on. There are threads. */
void pool_push(struct pool *pool, struct req *req);
/* Serves what waits, and ends the threads. */
void pool_stop(struct pool *pool);
void pool_fini(struct pool *pool);
