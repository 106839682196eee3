/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Time that passes: neither clock is moved by setting the time of day. */
#include <pthread.h>
#include <stdint.h>
#include <time.h>

/*
 * Returns milliseconds since boot, to a tick of the kernel (1 to 10 ms), at next to no cost. The
 * number wraps: only differences count.
 */
uint32_t clock_ms(void);
/* Returns nanoseconds since boot, exactly. */
uint64_t clock_ns(void);
/*
 * Returns the time that a clock will have in ms milliseconds, as a deadline for calls that take
 * one.
 */
struct timespec clock_after_ms(clockid_t clock, unsigned int ms);

/* Initialises a condition for clock_cond_wait_ms(). */
void clock_cond_init(pthread_cond_t *cond);
/*
 * Waits for the condition for ms milliseconds at most; the caller holds lock. Returns 0 or
 * ETIMEDOUT.
 */
int clock_cond_wait_ms(pthread_cond_t *cond, pthread_mutex_t *lock, unsigned int ms);
