/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* A clock that costs next to nothing, for what need not be exact. */
#include <stdint.h>
#include <time.h>

/* Milliseconds since some time, to a tick of the kernel (1 to 10); they wrap: only differences count. */
static inline uint32_t clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return (uint32_t)((uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000);
}
