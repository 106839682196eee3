/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Watchdog: a thread that checks every few milliseconds for threads that are held up, while there
 * are requests which that could happen to. Otherwise the watchdog sleeps: an idle view wakes no
 * thread.
 */
#include <pthread.h>
#include <stdbool.h>

struct watchdog {
	bool (*check)(void *aux); /* constant, as aux; false: nothing has to be checked */
	void *aux;
	pthread_t thread;
	bool started;
	_Atomic bool sleeps; /* until watchdog_wake() */

	pthread_mutex_t lock; /* guards stop, and sleeping */
	pthread_cond_t woken;
	bool stop;
};

void watchdog_init(struct watchdog *watchdog, bool (*check)(void *aux), void *aux);
/* 0 or -errno. */
int watchdog_start(struct watchdog *watchdog);
/* There is something to check. Any thread may call this; mostly it reads one flag. */
void watchdog_wake(struct watchdog *watchdog);
void watchdog_stop(struct watchdog *watchdog);
void watchdog_fini(struct watchdog *watchdog);
