// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/ticker.h"
#include "fs/fs.h"
#include "util/clock.h"
#include "util/thread.h"

#include <stdatomic.h>

void ticker_init(struct ticker *ticker, bool (*tick)(void *aux), void *aux, unsigned int period_ms,
		 unsigned int n_idle_max)
{
	*ticker = (struct ticker){
		.tick = tick,
		.aux = aux,
		.period_ms = period_ms,
		.n_idle_max = n_idle_max,
		.sleeps = true,
	};
	pthread_mutex_init(&ticker->lock, NULL);
	clock_cond_init(&ticker->woken);
}

/* Sleeps until the next call is due. Returns false if the thread must end. */
static bool wait_for_tick(struct ticker *ticker)
{
	struct timespec until;
	bool goes_on;

	pthread_mutex_lock(&ticker->lock);
	while (ticker->sleeps && !ticker->stop) {
		ticker->n_idle = 0;
		pthread_cond_wait(&ticker->woken, &ticker->lock);
	}
	/* Another thread that has seen sleeps may signal late: wait for the whole period anyway. */
	until = clock_after_ms(ticker->period_ms);
	while (!ticker->stop && pthread_cond_timedwait(&ticker->woken, &ticker->lock, &until) == 0)
		;
	goes_on = !ticker->stop;
	pthread_mutex_unlock(&ticker->lock);
	return goes_on;
}

static void *ticker_main(void *arg)
{
	struct ticker *ticker = arg;

	/* Threads that this one starts inherit its identity. */
	fs_thread_init();
	while (wait_for_tick(ticker)) {
		/*
		 * Set sleeps before the call: then a thread that adds work either wakes this
		 * thread, or has added the work early enough for the call to find it.
		 */
		ticker->sleeps = ticker->n_idle == ticker->n_idle_max;
		atomic_thread_fence(memory_order_seq_cst);
		if (ticker->tick(ticker->aux)) {
			ticker->sleeps = false;
			ticker->n_idle = 0;
		} else if (ticker->n_idle < ticker->n_idle_max) {
			ticker->n_idle++;
		}
	}
	return NULL;
}

int ticker_start(struct ticker *ticker)
{
	int r = thread_create(&ticker->thread, NULL, ticker_main, ticker);

	ticker->started = r == 0;
	return r;
}

void ticker_wake(struct ticker *ticker)
{
	/*
	 * With the fence of ticker_main(): either this sees that the thread has set sleeps, or the
	 * call that the thread makes then sees the values that the caller has stored before.
	 */
	atomic_thread_fence(memory_order_seq_cst);
	if (!atomic_load_explicit(&ticker->sleeps, memory_order_relaxed))
		return;
	pthread_mutex_lock(&ticker->lock);
	ticker->sleeps = false;
	pthread_cond_signal(&ticker->woken);
	pthread_mutex_unlock(&ticker->lock);
}

void ticker_stop(struct ticker *ticker)
{
	if (!ticker->started)
		return;
	pthread_mutex_lock(&ticker->lock);
	ticker->stop = true;
	pthread_cond_signal(&ticker->woken);
	pthread_mutex_unlock(&ticker->lock);
	pthread_join(ticker->thread, NULL);
	ticker->started = false;
}

void ticker_fini(struct ticker *ticker)
{
	pthread_cond_destroy(&ticker->woken);
	pthread_mutex_destroy(&ticker->lock);
}
