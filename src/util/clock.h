/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Clocks for durations and deadlines. Setting the time of day does not change these clocks. */
#include <pthread.h>
#include <stdint.h>
#include <time.h>

/*
 * Returns milliseconds since boot, as of the last tick of the kernel (1 to 10 ms ago), in a few
 * nanoseconds. The number wraps, so only differences have a meaning.
 */
uint32_t clock_ms(void);
/* Returns nanoseconds since boot. */
uint64_t clock_ns(void);
/* Returns the time that CLOCK_MONOTONIC will have in ms milliseconds, as a deadline. */
struct timespec clock_after_ms(unsigned int ms);

/* Initialises a condition variable for clock_cond_wait_ms() and CLOCK_MONOTONIC. */
void clock_cond_init(pthread_cond_t *cond);
/*
 * Waits for the condition, at most ms milliseconds. The caller holds lock. Returns 0 or ETIMEDOUT,
 * a positive number.
 */
int clock_cond_wait_ms(pthread_cond_t *cond, pthread_mutex_t *lock, unsigned int ms);
