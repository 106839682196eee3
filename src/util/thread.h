/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Threads whose system calls can be interrupted. They block all signals but one, whose handler does
 * nothing: the system call that the thread is in ends with EINTR. A signal that arrives just before
 * the call is lost, so the caller of thread_wake() must be ready to call it again.
 */
#include <pthread.h>

/* Installs the handler of the signal; further calls change nothing. */
void thread_wake_install(void);
/* Like pthread_create(), but returns 0 or -errno. The program's signals do not reach the thread. */
int thread_create(pthread_t *ret_thread, const pthread_attr_t *attr, void *(*main)(void *),
		  void *arg);
/* Interrupts the system call that the thread is in. */
void thread_wake(pthread_t thread);
/* Returns the signal, for kernel interfaces that send one (F_SETSIG) which must do nothing. */
int thread_wake_signal(void);
