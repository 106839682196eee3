// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/rescue.h"
#include "fs/fs.h"
#include "util/clock.h"
#include "util/thread.h"

#include <stdatomic.h>

#define LOOK_MS 4
#define LOOKS_IDLE 32 /* in a row, until the thread rests */

void rescue_init(struct rescue *rescue, bool (*look)(void *aux), void *aux)
{
	*rescue = (struct rescue){ .look = look, .aux = aux, .rests = true };
	pthread_mutex_init(&rescue->lock, NULL);
	clock_cond_init(&rescue->called);
}

/* Sleeps until the next look is due; false: the thread ends. */
static bool sleep_a_while(struct rescue *rescue)
{
	bool goes_on;

	pthread_mutex_lock(&rescue->lock);
	while (rescue->rests && !rescue->stop)
		pthread_cond_wait(&rescue->called, &rescue->lock);
	if (!rescue->stop)
		clock_cond_wait_ms(&rescue->called, &rescue->lock, LOOK_MS);
	goes_on = !rescue->stop;
	pthread_mutex_unlock(&rescue->lock);
	return goes_on;
}

static void *rescue_main(void *arg)
{
	struct rescue *rescue = arg;
	unsigned int n_idle = 0;

	/* Threads that it starts have its identity. */
	fs_thread_init();
	while (sleep_a_while(rescue)) {
		n_idle = rescue->look(rescue->aux) ? 0 : n_idle + 1;
		if (n_idle < LOOKS_IDLE)
			continue;
		n_idle = 0;
		rescue->rests = true;
		/* What came up before that did not call. */
		if (rescue->look(rescue->aux))
			rescue->rests = false;
	}
	return NULL;
}

int rescue_start(struct rescue *rescue)
{
	int r = thread_create(&rescue->thread, NULL, rescue_main, rescue);

	rescue->started = r == 0;
	return r;
}

void rescue_call(struct rescue *rescue)
{
	if (!atomic_load_explicit(&rescue->rests, memory_order_relaxed))
		return;
	pthread_mutex_lock(&rescue->lock);
	rescue->rests = false;
	pthread_cond_signal(&rescue->called);
	pthread_mutex_unlock(&rescue->lock);
}

void rescue_stop(struct rescue *rescue)
{
	if (!rescue->started)
		return;
	pthread_mutex_lock(&rescue->lock);
	rescue->stop = true;
	pthread_cond_signal(&rescue->called);
	pthread_mutex_unlock(&rescue->lock);
	pthread_join(rescue->thread, NULL);
	rescue->started = false;
}

void rescue_fini(struct rescue *rescue)
{
	pthread_cond_destroy(&rescue->called);
	pthread_mutex_destroy(&rescue->lock);
}
