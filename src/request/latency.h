/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Remembers for a second that an operation on the lower file system was slow: it has waited for a
 * disk or for the CPU, and the next operations may have to wait, too. Any thread may call these
 * functions.
 */
#include "util/clock.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define LATENCY_SLOW_MS   30
#define LATENCY_MEMORY_MS 1000

struct latency {
	_Atomic uint32_t slow_ms; /* clock_ms() of the last slow operation; 0 if there was none */
};

/* Records how long an operation took, or has taken until now. */
static inline void latency_record(struct latency *latency, uint32_t ms)
{
	if (ms >= LATENCY_SLOW_MS)
		atomic_store_explicit(&latency->slow_ms, clock_ms() | 1, memory_order_relaxed);
}

/* Returns true within a second of the last slow operation. */
static inline bool latency_is_high(const struct latency *latency)
{
	uint32_t slow_ms = atomic_load_explicit(&latency->slow_ms, memory_order_relaxed);

	/* slow_ms may be one ahead of the clock. */
	return slow_ms && clock_ms() + 1 - slow_ms <= LATENCY_MEMORY_MS;
}
