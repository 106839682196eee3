/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Hashes for tables, and a keyed hash (SipHash-2-4) for numbers that clients must not guess. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Returns a hash of a number. Different numbers have different hashes. */
static inline uint64_t hash_mix(uint64_t x)
{
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93ULL;
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93ULL;
	x ^= x >> 32;
	return x;
}

/* Returns a hash of len bytes; it differs between machines of different byte order. */
static inline uint64_t hash_bytes(uint64_t seed, const void *data, size_t len)
{
	const unsigned char *p = data;
	uint64_t h = hash_mix(seed ^ len);

	for (; len >= 8; p += 8, len -= 8) {
		uint64_t word;

		memcpy(&word, p, 8);
		h = hash_mix(h ^ word);
	}
	if (len) {
		uint64_t word = 0;

		memcpy(&word, p, len);
		h = hash_mix(h ^ word);
	}
	return h;
}

/* Returns SipHash-2-4 of a 64-bit number under a 128-bit key. */
uint64_t hash_keyed(const uint64_t key[2], uint64_t number);
