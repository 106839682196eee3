// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Texts of any bytes for JSON and terminals: the printed form is valid UTF-8 and can be decoded to
 * the same bytes.
 */
#include "../test.h"

#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/utf8.h"

TEST(only_valid_utf8_has_a_length, state)
{
	static const struct {
		const char *text;
		size_t len;
	} rows[] = {
		{ "", 0 },
		{ "a", 1 },
		{ "\x7f", 1 },
		{ "\x80", 0 },
		{ "\xc0\xaf", 0 },
		{ "\xc1\xbf", 0 },
		{ "\xc2\x80", 2 },
		{ "\xc3(", 0 },
		{ "\xdf\xbf", 2 },
		{ "\xe0\x9f\xbf", 0 },
		{ "\xe0\xa0\x80", 3 },
		{ "\xe2\x82", 0 },
		{ "\xed\x9f\xbf", 3 },
		{ "\xed\xa0\x80", 0 },
		{ "\xed\xbf\xbf", 0 },
		{ "\xee\x80\x80", 3 },
		{ "\xef\xbf\xbf", 3 },
		{ "\xf0\x8f\xbf\xbf", 0 },
		{ "\xf0\x90\x80\x80", 4 },
		{ "\xf0\x9f\x98", 0 },
		{ "\xf4\x8f\xbf\xbf", 4 },
		{ "\xf4\x90\x80\x80", 0 },
		{ "\xf5\x80\x80\x80", 0 },
		{ "\xff", 0 },
	};

	for (size_t i = 0; i < N(rows); i++)
		if (utf8_char(rows[i].text) != rows[i].len)
			fail_msg("row %zu: %zu bytes", i, utf8_char(rows[i].text));
}

TEST(escaped_text_is_restored, state)
{
	static const char *const rows[][2] = {
		{ "plain", "plain" },
		{ "a\xff", "a\\xff" },
		{ "\xc3\xa4\xc3", "\xc3\xa4\\xc3" },
		{ "\\", "\\" },
		{ "\\x41", "\\x5cx41" },
		{ "\\\\x41", "\\\\x5cx41" },
		{ "\\\xff", "\\\\xff" },
		{ "\\x", "\\x5cx" },
		{ "\\y", "\\y" },
		{ "x\\", "x\\" },
	};

	for (size_t i = 0; i < N(rows); i++) {
		_cleanup_(freep) char *escaped = utf8_escape(rows[i][0]);

		assert_string_equal(escaped, rows[i][1]);
		utf8_unescape(escaped);
		assert_string_equal(escaped, rows[i][0]);
	}
}

/* Returns in buf the text that utf8_print() writes. */
static void print(char *buf, size_t size, const char *text)
{
	FILE *file = fmemopen(buf, size, "w");

	utf8_print(file, text);
	assert_int_equal(fclose(file), 0);
}

/* The escaped form of random bytes is UTF-8, and decodes to the same bytes. */
TEST(random_bytes_come_back, state)
{
	static const char odd[] = "\\x\\\xff\xc3\xa4"
				  "5cf\x1b\xe2\x82\xac\xed\xa0";
	unsigned int seed = 1;

	for (int round = 0; round < 20000; round++) {
		char text[20] = "", printable[200];
		_cleanup_(freep) char *escaped = NULL;

		for (int i = 0, n = rand_r(&seed) % 19; i < n; i++)
			text[i] = rand_r(&seed) % 4 ? odd[rand_r(&seed) % (sizeof(odd) - 1)] :
						      (char)(1 + rand_r(&seed) % 255);
		escaped = utf8_escape(text);
		for (const char *p = escaped; *p; p += utf8_char(p))
			assert_true(utf8_char(p) > 0);
		utf8_unescape(escaped);
		assert_string_equal(escaped, text);
		print(printable, sizeof(printable), text);
		for (const char *p = printable; *p; p += utf8_char(p)) {
			assert_true(utf8_char(p) > 0);
			assert_true((unsigned char)*p >= 0x20 && *p != 0x7f);
			assert_false((unsigned char)p[0] == 0xc2 && (unsigned char)p[1] < 0xa0);
		}
	}
}

TEST(printed_text_commands_no_terminal, state)
{
	char buf[64];

	print(buf, sizeof(buf), "a\033b\xc2\x9b\xff\xc3\xa4");
	assert_string_equal(buf, "a\\033b\\302\\233\\xff\xc3\xa4");
}

TEST_MAIN(NULL, NULL)
