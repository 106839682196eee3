/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Random numbers for tests. The same seed gives the same numbers.
 *
 * $FILTER_SEED is the seed of random_start(), and $FILTER_CALLS the number of calls or programs
 * that a test tries, instead of the number that it has chosen.
 */
#include <stdint.h>
#include <stdlib.h>

struct random {
	uint64_t state;
};

/* Returns a number from 0 to n - 1. */
static inline uint32_t random_below(struct random *random, uint32_t n)
{
	random->state = random->state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(random->state >> 33) % n;
}

/* Returns a number that programs may compare with: small, round, negative, of 32 bits, or any. */
static inline uint64_t random_number(struct random *random)
{
	switch (random_below(random, 5)) {
	case 0:
		return random_below(random, 10);
	case 1:
		return 1ULL << random_below(random, 64);
	case 2:
		return -(uint64_t)random_below(random, 4096);
	case 3:
		return (uint64_t)(int64_t)(int32_t)(random_below(random, 1u << 31) * 2 +
						    random_below(random, 2));
	default:
		return (uint64_t)random_below(random, 1u << 31) << 33 ^
		       random_below(random, 1u << 31);
	}
}

static inline struct random random_start(void)
{
	const char *seed = getenv("FILTER_SEED");

	return (struct random){ seed ? strtoull(seed, NULL, 0) : 1 };
}

static inline unsigned long random_calls(unsigned long otherwise)
{
	const char *calls = getenv("FILTER_CALLS");

	return calls ? strtoul(calls, NULL, 0) : otherwise;
}
