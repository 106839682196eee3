/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Threads whose system calls can be interrupted. They block all signals but one, whose handler does
 * nothing: the system call that the thread is in ends with EINTR. A signal that arrives just before
 * the call is lost, so the caller of thread_wake() must be ready to call it again.
 */
#include <pthread.h>

/* Installs the handler of the signal. May be called several times. */
void thread_wake_install(void);
/* As pthread_create(), but returns 0 or -errno, and the thread blocks all other signals. */
int thread_create(pthread_t *ret_thread, const pthread_attr_t *attr, void *(*main)(void *),
		  void *arg);
/* Interrupts the system call that the thread is in. */
void thread_wake(pthread_t thread);
/*
 * Returns the signal, for kernel interfaces that send a signal (F_SETSIG) that has to do nothing.
 */
int thread_wake_signal(void);
