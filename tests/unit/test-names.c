// SPDX-License-Identifier: LGPL-2.1-or-later
/* Checks of the names and extensions of a request. */
#include "../test.h"

#include <stdbool.h>
#include <string.h>

#include "util/cleanup.h"
#include "filter/name.h"
#include "wire/msg.h"

TEST(empty_name_and_name_with_slash_are_refused, state)
{
	static const struct {
		const char *name;
		bool ok, ok_with_dots;
	} rows[] = {
		{ "", false, false },       { "/", false, false },  { "a/b", false, false },
		{ "/a", false, false },     { "a/", false, false }, { "../a", false, false },
		{ ".", false, true },       { "..", false, true },  { "./", false, false },
		{ "../", false, false },    { "...", true, true },  { ".a", true, true },
		{ "..a", true, true },      { "a.", true, true },   { "a..", true, true },
		{ "a", true, true },        { " ", true, true },    { "\n", true, true },
		{ "\xff\xfe", true, true }, { "\\", true, true },
	};

	for (size_t i = 0; i < N(rows); i++) {
		assert_int_equal(filter_name_ok(rows[i].name, false), rows[i].ok);
		assert_int_equal(filter_name_ok(rows[i].name, true), rows[i].ok_with_dots);
	}
}

/* An extension: size and type of its header, then up to four words. */
struct ext {
	uint32_t size, type;
	uint32_t words[4];
	uint32_t n_words;
};

#define GROUPS FUSE_EXT_GROUPS

/* Each row: extensions, one after the other, and the group that they contain. */
TEST(first_group_of_extensions_is_found, state)
{
	static const struct {
		const char *what;
		struct ext ext[3];
		bool found;
		uint32_t gid;
	} rows[] = {
		{ "one", { { 16, GROUPS, { 1, 100 }, 2 } }, true, 100 },
		{ "group 0", { { 16, GROUPS, { 1, 0 }, 2 } }, true, 0 },
		{ "the first of two", { { 24, GROUPS, { 2, 7, 8, 0 }, 4 } }, true, 7 },
		{ "none counted", { { 16, GROUPS, { 0, 100 }, 2 } }, false },
		{ "no room for one", { { 12, GROUPS, { 1, 0 }, 2 } }, false },
		{ "behind another kind",
		  { { 13, 5, { 1, 2 }, 2 }, { 16, GROUPS, { 1, 9 }, 2 } },
		  true,
		  9 },
		{ "behind two",
		  { { 8, 5, { 0 }, 0 }, { 16, 6, { 3, 4 }, 2 }, { 16, GROUPS, { 1, 3 }, 2 } },
		  true,
		  3 },
		{ "size of nothing", { { 0, GROUPS, { 1, 100 }, 2 } }, false },
		{ "size of less than a header", { { 7, 5, { 0 }, 0 } }, false },
		{ "size beyond the end", { { 17, GROUPS, { 1, 100 }, 2 } }, false },
		{ "size that overflows", { { UINT32_MAX, 5, { 0 }, 0 } }, false },
		{ "size that overflows when aligned",
		  { { UINT32_MAX - 6, GROUPS, { 0 }, 0 } },
		  false },
		{ "only another kind", { { 16, 5, { 1, 2 }, 2 } }, false },
	};

	for (size_t i = 0; i < N(rows); i++) {
		_cleanup_(freep) char *exact = NULL;
		struct wire_msg msg = { 0 };
		uint32_t gid = 4242;
		char buf[128];

		for (size_t j = 0; j < 3 && rows[i].ext[j].size + rows[i].ext[j].type; j++) {
			const struct ext *ext = &rows[i].ext[j];

			memcpy(buf + msg.ext_len, ext, 8);
			memcpy(buf + msg.ext_len + 8, ext->words, ext->n_words * 4);
			msg.ext_len += 8 + ext->n_words * 4;
		}
		exact = malloc(msg.ext_len);
		msg.ext = memcpy(exact, buf, msg.ext_len);
		assert_int_equal(wire_ext_group(&msg, &gid), rows[i].found);
		assert_int_equal(gid, rows[i].found ? rows[i].gid : 4242);
	}
}

/* Random bytes of any length: the result may be anything, but no byte beyond them is read. */
TEST(random_extensions_are_read_within_bounds, state)
{
	uint64_t random = 88172645463325252ULL;

	for (int i = 0; i < 20000; i++) {
		size_t len = (size_t)(i % 6) * 8;
		_cleanup_(freep) uint8_t *exact = malloc(len);
		struct wire_msg msg = { .ext = (char *)exact, .ext_len = len };
		uint32_t gid;

		for (size_t j = 0; j < len; j++) {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			/* Mostly small numbers, because these lead to more extensions. */
			exact[j] = random % 3 ? 0 : (uint8_t)(random >> 8) % 40;
		}
		wire_ext_group(&msg, &gid);
	}
}

TEST_MAIN(NULL, NULL)
