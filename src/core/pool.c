/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/pool.h"
#include "util/clock.h"
#include "util/wake.h"

#include <errno.h>
#include <stdlib.h>

/* An operation that took so long has waited, or was kept from the CPU for long: the next ones may, too. */
#define LONG_MS 30
#define NEXT_MS 1000

void pool_init(struct pool *pool, struct supply *supply)
{
	*pool = (struct pool){ .supply = supply };
	pool->queue_end = &pool->queue;
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->work, NULL);
}

/* The next request; NULL: there are none, and will be none. */
static struct req *next(struct pool *pool)
{
	struct req *req;

	pthread_mutex_lock(&pool->lock);
	pool->n_free++;
	while (!pool->queue && !pool->stop)
		pthread_cond_wait(&pool->work, &pool->lock);
	req = pool->queue;
	if (req)
		pool->queue = req->next;
	if (!pool->queue)
		pool->queue_end = &pool->queue;
	pthread_mutex_unlock(&pool->lock);
	return req;
}

static void *pool_main(void *arg)
{
	struct pool *pool = arg;
	struct req *req;

	fs_thread_init();
	while ((req = next(pool)))
		supply_put(pool->supply, req_serve(req));
	return NULL;
}

int pool_start(struct pool *pool, unsigned int n)
{
	pool->threads = calloc(n + 1, sizeof(*pool->threads));
	if (!pool->threads)
		return -ENOMEM;
	for (; pool->n < n; pool->n++) {
		int r = wake_thread_create(&pool->threads[pool->n], NULL, pool_main, pool);

		if (r < 0)
			return r;
	}
	return 0;
}

bool pool_push(struct pool *pool, struct req *req, bool if_free)
{
	bool goes;

	pthread_mutex_lock(&pool->lock);
	goes = !if_free || pool->n_free > 0;
	if (goes) {
		req->next = NULL;
		*pool->queue_end = req;
		pool->queue_end = &req->next;
		pool->n_free--;
		pthread_cond_signal(&pool->work);
	}
	pthread_mutex_unlock(&pool->lock);
	return goes;
}

void pool_took(struct pool *pool, uint32_t ms)
{
	if (ms >= LONG_MS)
		atomic_store_explicit(&pool->slow_ms, clock_ms() | 1, memory_order_relaxed);
}

bool pool_wants(const struct pool *pool, bool far)
{
	uint32_t slow_ms = atomic_load_explicit(&pool->slow_ms, memory_order_relaxed);

	/* It may be one ahead of the clock. */
	if (!far && (!slow_ms || clock_ms() + 1 - slow_ms > NEXT_MS))
		return false;
	return atomic_load_explicit(&pool->n_free, memory_order_relaxed) > 0;
}

void pool_stop(struct pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	pool->stop = true;
	pthread_cond_broadcast(&pool->work);
	pthread_mutex_unlock(&pool->lock);
	for (unsigned int i = 0; i < pool->n; i++)
		pthread_join(pool->threads[i], NULL);
	pool->n = 0;
}

void pool_fini(struct pool *pool)
{
	pthread_cond_destroy(&pool->work);
	pthread_mutex_destroy(&pool->lock);
	free(pool->threads);
}
