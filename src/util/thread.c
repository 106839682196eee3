// SPDX-License-Identifier: LGPL-2.1-or-later
/* Threads whose system calls can be interrupted. No state, no locks. */
#include "util/thread.h"

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

int thread_create(pthread_t *ret_thread, const pthread_attr_t *attr, void *(*main)(void *),
		  void *arg)
{
	sigset_t mask, old;
	int r;

	/* A new thread inherits the signal mask of the thread that creates it. */
	sigfillset(&mask);
	sigdelset(&mask, WAKE_SIGNAL);
	pthread_sigmask(SIG_SETMASK, &mask, &old);
	r = pthread_create(ret_thread, attr, main, arg);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
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
