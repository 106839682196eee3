/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Threads of the library. They block all signals but one, so that no handler of the program runs on
 * them, and writes to a closed pipe fail instead of ending the process. The handler of the one
 * signal does nothing: the system call that the thread is in fails with EINTR. If the signal
 * arrives just before the system call, the system call is not interrupted, so the caller of
 * thread_wake() must repeat it until the thread has reacted.
 */
#include <pthread.h>

/* Installs the handler of the signal. Safe to call several times. */
void thread_wake_install(void);
/*
 * As pthread_create(), but returns 0 or -errno. The thread blocks all signals but that one, and
 * uses the log of the calling thread (util/log.h).
 */
int thread_create(pthread_t *ret_thread, const pthread_attr_t *attr, void *(*main)(void *),
		  void *arg);
/* Interrupts the system call that the thread is in. */
void thread_wake(pthread_t thread);
/*
 * Returns the number of the signal, for kernel interfaces that must be told a signal to send
 * (F_SETSIG).
 */
int thread_wake_signal(void);
