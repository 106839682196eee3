// SPDX-License-Identifier: LGPL-2.1-or-later
/* The keyed hash has the values of SipHash-2-4; the quick hash spreads similar numbers. */
#include "../test.h"

#include "util/hash.h"

/*
 * The first is the published vector for a message of eight bytes (key 00..0f, message 00..07). The
 * others were made with `openssl mac -macopt hexkey:KEY -macopt size:8 SIPHASH`.
 */
TEST(keyed_hash_matches_published_vectors, state)
{
	static const struct {
		uint64_t key[2];
		uint64_t number, hash;
	} rows[] = {
		{ { 0x0706050403020100, 0x0f0e0d0c0b0a0908 },
		  0x0706050403020100,
		  0x93f5f5799a932462 },
		{ { 0x0, 0x0 }, 0x0, 0xe849e8bb6ffe2567 },
		{ { 0x706050403020100, 0xf0e0d0c0b0a0908 }, 0x0, 0x39d3851ca07681a7 },
		{ { 0x706050403020100, 0xf0e0d0c0b0a0908 }, UINT64_MAX, 0x2a68ff30a3d9da34 },
		{ { 0xdeadbeefcafef00d, 0x123456789abcdef },
		  0x1122334455667788,
		  0xb440f350a8d426bf },
		{ { 0xffffffffffffffff, 0xffffffffffffffff }, 0x1, 0xb71b9032ac2c875a },
	};

	for (size_t i = 0; i < N(rows); i++)
		assert_int_equal(hash_keyed(rows[i].key, rows[i].number), rows[i].hash);
}

/* Numbers that differ only in their high or low bits spread over a small table. */
TEST(quick_hash_spreads_similar_numbers, state)
{
	enum { N = 4096 };

	for (int shift = 0; shift <= 52; shift += 4) {
		uint16_t chains[N] = { 0 };
		int longest = 0;

		for (uint64_t i = 0; i < N; i++) {
			int n = ++chains[hash_mix(i << shift) % N];

			longest = n > longest ? n : longest;
		}
		assert_true(longest < 16);
	}
}

/* Each byte and the length change the hash. */
TEST(hash_depends_on_every_byte_and_length, state)
{
	uint8_t data[24] = { 0 };

	for (size_t len = 1; len <= sizeof(data); len++) {
		uint64_t plain = hash_bytes(1, data, len);

		assert_int_not_equal(plain, hash_bytes(2, data, len));
		assert_int_not_equal(plain, hash_bytes(1, data, len - 1));
		for (size_t i = 0; i < len; i++) {
			data[i] = 1;
			assert_int_not_equal(plain, hash_bytes(1, data, len));
			data[i] = 0;
		}
	}
}

TEST_MAIN(NULL, NULL)
