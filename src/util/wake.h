/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Threads that can be woken from a system call. They take no signal but one, whose handler does
 * nothing: the call they are in ends with EINTR. A signal that comes just before the call is lost;
 * whoever wakes must be ready to do it again.
 */
#include <pthread.h>

/* Installs the handler; any number of times. */
void wake_install(void);
/* As pthread_create(), answers 0 or -errno. The program's signals do not reach the thread. */
int wake_thread_create(pthread_t *ret_thread, const pthread_attr_t *attr, void *(*main)(void *),
		       void *arg);
void wake_thread(pthread_t thread);
/* The signal, for what else sends one that must do nothing. */
int wake_signal(void);
