// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/watchdog.h"
#include "fs/fs.h"
#include "util/clock.h"
#include "util/thread.h"

#include <stdatomic.h>

#define CHECK_MS    4
#define IDLE_CHECKS 32 /* in a row, until the watchdog sleeps */

void watchdog_init(struct watchdog *watchdog, bool (*check)(void *aux), void *aux)
{
	*watchdog = (struct watchdog){ .check = check, .aux = aux, .sleeps = true };
	pthread_mutex_init(&watchdog->lock, NULL);
	clock_cond_init(&watchdog->woken);
}

/* Sleeps until the next check is due; false: the thread ends. */
static bool sleep_a_while(struct watchdog *watchdog)
{
	bool goes_on;

	pthread_mutex_lock(&watchdog->lock);
	while (watchdog->sleeps && !watchdog->stop)
		pthread_cond_wait(&watchdog->woken, &watchdog->lock);
	if (!watchdog->stop)
		clock_cond_wait_ms(&watchdog->woken, &watchdog->lock, CHECK_MS);
	goes_on = !watchdog->stop;
	pthread_mutex_unlock(&watchdog->lock);
	return goes_on;
}

static void *watchdog_main(void *arg)
{
	struct watchdog *watchdog = arg;
	unsigned int n_idle = 0;

	/* Threads that the watchdog starts inherit its identity. */
	fs_thread_init();
	while (sleep_a_while(watchdog)) {
		n_idle = watchdog->check(watchdog->aux) ? 0 : n_idle + 1;
		if (n_idle < IDLE_CHECKS)
			continue;
		n_idle = 0;
		watchdog->sleeps = true;
		/* A request that came before that has not woken the watchdog. */
		if (watchdog->check(watchdog->aux))
			watchdog->sleeps = false;
	}
	return NULL;
}

int watchdog_start(struct watchdog *watchdog)
{
	int r = thread_create(&watchdog->thread, NULL, watchdog_main, watchdog);

	watchdog->started = r == 0;
	return r;
}

void watchdog_wake(struct watchdog *watchdog)
{
	if (!atomic_load_explicit(&watchdog->sleeps, memory_order_relaxed))
		return;
	pthread_mutex_lock(&watchdog->lock);
	watchdog->sleeps = false;
	pthread_cond_signal(&watchdog->woken);
	pthread_mutex_unlock(&watchdog->lock);
}

void watchdog_stop(struct watchdog *watchdog)
{
	if (!watchdog->started)
		return;
	pthread_mutex_lock(&watchdog->lock);
	watchdog->stop = true;
	pthread_cond_signal(&watchdog->woken);
	pthread_mutex_unlock(&watchdog->lock);
	pthread_join(watchdog->thread, NULL);
	watchdog->started = false;
}

void watchdog_fini(struct watchdog *watchdog)
{
	pthread_cond_destroy(&watchdog->woken);
	pthread_mutex_destroy(&watchdog->lock);
}
