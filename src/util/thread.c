// SPDX-License-Identifier: LGPL-2.1-or-later
/* Threads of the library. No state, no locks. */
#include "util/thread.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <errno.h>
#include <signal.h>

/* A real-time signal that the C library does not use, and that programs rarely use. */
#define WAKE_SIGNAL (SIGRTMAX - 2)

static void wake_handler(int signal)
{
	(void)signal;
}

void thread_wake_install(void)
{
	struct sigaction action = { .sa_handler = wake_handler };

	sigaction(WAKE_SIGNAL, &action, NULL);
}

struct start {
	void *(*main)(void *);
	void *arg;
	const struct log *log; /* that the creator uses */
};

static void *thread_main(void *aux)
{
	struct start start = *(struct start *)aux;

	free(aux);
	log_use(start.log);
	return start.main(start.arg);
}

int thread_create(pthread_t *ret_thread, const pthread_attr_t *attr, void *(*main)(void *),
		  void *arg)
{
	_cleanup_(freep) struct start *start = malloc(sizeof(*start));
	sigset_t mask, old;
	int r;

	if (!start)
		return -ENOMEM;
	*start = (struct start){ main, arg, log_used() };
	/* A new thread inherits the signal mask of the thread that creates it. */
	sigfillset(&mask);
	sigdelset(&mask, WAKE_SIGNAL);
	pthread_sigmask(SIG_SETMASK, &mask, &old);
	r = pthread_create(ret_thread, attr, thread_main, start);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r == 0)
		take_ptr(start);
	return -r;
}

int thread_wake_signal(void)
{
	return WAKE_SIGNAL;
}

void thread_wake(pthread_t thread)
{
	pthread_kill(thread, WAKE_SIGNAL);
}
