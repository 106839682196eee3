/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A thread that calls a function once in each period while the function has something to do, and
 * sleeps otherwise: an idle view wakes no thread.
 *
 * A view has two tickers. The watchdog of the server looks for blocked threads every few
 * milliseconds. The ticker of struct fs_callbacks calls fs_tick() once a second.
 */
#include <pthread.h>
#include <stdbool.h>

struct ticker {
	/* Constant. tick returns false if it has had nothing to do. */
	bool (*tick)(void *aux);
	void *aux;
	unsigned int period_ms;
	unsigned int n_idle_max; /* the thread sleeps after one more call with nothing to do */

	pthread_t thread;
	bool started;
	unsigned int n_idle; /* calls in a row with nothing to do; used by the thread only */
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
 * Makes the thread call the function after one period. The caller has stored before what the
 * function has to find. Any thread may call this; mostly it only reads one flag.
 */
void ticker_wake(struct ticker *ticker);
/* Ends the thread, if it runs. */
void ticker_stop(struct ticker *ticker);
void ticker_fini(struct ticker *ticker);
