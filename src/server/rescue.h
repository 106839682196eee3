/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A thread that looks every few milliseconds whether somebody is held up, as long as there is something
 * to look at. Otherwise it sleeps: an idle view wakes nobody.
 */
#include <pthread.h>
#include <stdbool.h>

struct rescue {
	bool (*look)(void *aux);	/* constant, as aux; false: nothing has to be looked at */
	void *aux;
	pthread_t thread;
	bool started;
	_Atomic bool rests;		/* whoever has something to be looked at calls */

	pthread_mutex_t lock;		/* guards stop, and sleeping */
	pthread_cond_t called;
	bool stop;
};

void rescue_init(struct rescue *rescue, bool (*look)(void *aux), void *aux);
/* 0 or -errno. */
int rescue_start(struct rescue *rescue);
/* There is something to be looked at. From any thread; mostly one look at a flag. */
void rescue_call(struct rescue *rescue);
void rescue_stop(struct rescue *rescue);
void rescue_fini(struct rescue *rescue);
