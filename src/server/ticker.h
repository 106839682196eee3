/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A thread that calls a function once in each period while the function has something to do, and
 * sleeps otherwise: an idle view wakes no thread.
 *
 * A view has two. The watchdog of the server looks for threads that are held up, every few
 * milliseconds. The ticker of struct fs_callbacks calls fs_tick(), once a second.
 */
#include <pthread.h>
#include <stdbool.h>

struct ticker {
	/* Constant. tick returns false where it has had nothing to do. */
	bool (*tick)(void *aux);
	void *aux;
	unsigned int period_ms;
	unsigned int n_idle_max; /* calls with nothing to do before the one after which it sleeps */

	pthread_t thread;
	bool started;
	unsigned int n_idle; /* calls in a row with nothing to do; the thread's */
	_Atomic bool sleeps; /* until ticker_wake() */

	pthread_mutex_t lock; /* guards stop, and sleeping */
	pthread_cond_t woken;
	bool stop;
};

void ticker_init(struct ticker *ticker, bool (*tick)(void *aux), void *aux, unsigned int period_ms,
		 unsigned int n_idle_max);
/* Starts the thread, with the identity that serving needs. Returns 0 or -errno. */
int ticker_start(struct ticker *ticker);
/*
 * Makes the thread call the function after one period; to be called when there is something to do
 * that the function can see. Any thread may call this; mostly it reads one flag.
 */
void ticker_wake(struct ticker *ticker);
/* Ends the thread, if it runs. */
void ticker_stop(struct ticker *ticker);
void ticker_fini(struct ticker *ticker);
