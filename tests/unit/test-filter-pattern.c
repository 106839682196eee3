// SPDX-License-Identifier: LGPL-2.1-or-later
/* Names, globs and paths of filters: what they are taken for, and what is said of the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "filter/pattern.h"
#include "util/cleanup.h"

#define LEN_255                                                                                    \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"         \
	"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"         \
	"ccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"          \
	"dddddddddddddddd"

static int add_names(struct patterns *patterns, const char *list, struct pst_names *names,
		     struct pst_error *error)
{
	_cleanup_(freep) char *copy = strdup(list);

	return patterns_add_names(patterns, copy, names, error);
}

static int add_paths(struct patterns *patterns, const char *list, struct pst_paths *paths,
		     struct pst_error *error)
{
	_cleanup_(freep) char *copy = strdup(list);

	return patterns_add_paths(patterns, copy, paths, error);
}

/* Each row: a pattern, and what it is taken for. */
static void test_kinds(void **state)
{
	static const struct {
		const char *pattern;
		enum pst_pattern_kind kind;
		const char *text;
	} rows[] = {
		{ ".env", PST_PATTERN_EXACT, ".env" },
		{ "id_*", PST_PATTERN_PREFIX, "id_" },
		{ "*.key", PST_PATTERN_SUFFIX, ".key" },
		{ "*", PST_PATTERN_PREFIX, "" },
		{ "**", PST_PATTERN_GLOB, "**" },
		{ "*a*", PST_PATTERN_GLOB, "*a*" },
		{ "a*b", PST_PATTERN_GLOB, "a*b" },
		{ "a?", PST_PATTERN_GLOB, "a?" },
		{ "?*", PST_PATTERN_GLOB, "?*" },
		{ "[ab]*", PST_PATTERN_GLOB, "[ab]*" },
		{ "*[!a-z]", PST_PATTERN_GLOB, "*[!a-z]" },
		{ "a[*]", PST_PATTERN_GLOB, "a[*]" },
		{ "\\*", PST_PATTERN_EXACT, "*" },
		{ "a\\?b\\[", PST_PATTERN_EXACT, "a?b[" },
		{ "\\\\", PST_PATTERN_EXACT, "\\" },
		{ "a\\**", PST_PATTERN_PREFIX, "a*" },
		{ "*\\*", PST_PATTERN_SUFFIX, "*" },
		{ "a\\:b", PST_PATTERN_EXACT, "a:b" },
		{ "a\\?b?", PST_PATTERN_GLOB, "a\\?b?" },
		{ "]", PST_PATTERN_EXACT, "]" },
		{ "a-b!c", PST_PATTERN_EXACT, "a-b!c" },
		{ " ", PST_PATTERN_EXACT, " " },
		{ "\303\244*", PST_PATTERN_PREFIX, "\303\244" },
		{ LEN_255, PST_PATTERN_EXACT, LEN_255 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		_cleanup_(patterns_fini) struct patterns patterns = { 0 };
		struct pst_pattern_key key;
		struct pst_names names;
		struct pst_error error = { .text = "" };

		if (add_names(&patterns, rows[i].pattern, &names, &error) < 0)
			fail_msg("%s: %s", rows[i].pattern, error.text);
		assert_int_equal(patterns.n, 1);
		if (patterns.rows[0].kind != rows[i].kind)
			fail_msg("%s is taken for %d", rows[i].pattern, patterns.rows[0].kind);
		assert_string_equal(patterns.rows[0].text, rows[i].text);
		assert_int_equal(patterns.rows[0].len, strlen(rows[i].text));
		assert_int_equal(patterns.rows[0].table, 1);
		assert_int_equal(names.n_globs, rows[i].kind == PST_PATTERN_GLOB);
		pattern_key(&patterns.rows[0], &key);
		assert_int_equal(key.len, strlen(rows[i].text));
		assert_string_equal(key.text, rows[i].text);
	}
}

/* Two lists: tables are counted from 1, globs lie together, lengths are noted. */
static void test_lists(void **state)
{
	_cleanup_(patterns_fini) struct patterns patterns = { 0 };
	struct pst_names first, second;
	struct pst_error error;

	assert_int_equal(add_names(&patterns, "a?:x:b?:*.key:y*:c?:" LEN_255 "*", &first, &error),
			 -ENAMETOOLONG);
	patterns_fini(&patterns);
	assert_int_equal(add_names(&patterns, "a?:x:b?:*.key:y*:*:c?", &first, &error), 0);
	assert_int_equal(first.table, 1);
	assert_int_equal(first.n, 7);
	assert_int_equal(first.n_globs, 3);
	assert_int_equal(first.globs_at, 4);
	assert_string_equal(patterns.rows[4].text, "a?");
	assert_string_equal(patterns.rows[5].text, "b?");
	assert_string_equal(patterns.rows[6].text, "c?");
	assert_int_equal(first.prefixes[0], 1 << 1 | 1 << 0);
	assert_int_equal(first.suffixes[0], 1 << 4);

	assert_int_equal(add_names(&patterns,
				   "0123456789012345678901234567890123456789"
				   "0123456789012345678901234567890123456789*",
				   &second, &error),
			 0);
	assert_int_equal(second.table, 2);
	assert_int_equal(second.n_globs, 0);
	assert_int_equal(second.prefixes[0], 0);
	assert_int_equal(second.prefixes[1], 1 << 16);
	assert_int_equal(patterns.rows[7].table, 2);
	assert_int_equal(patterns.n, 8);
}

/* Each row: a list of names that is refused, and a word of what is said. */
static void test_bad_names(void **state)
{
	static const struct {
		const char *list, *word;
	} rows[] = {
		{ "", "empty" },	{ "a::b", "empty" }, { "a:", "empty" },
		{ ":a", "empty" },	{ "a/b", "path" },   { "/", "path" },
		{ "[", "\\[" },		{ "a[b", "\\[" },    { "[]", "\\[" },
		{ "[!]", "\\[" },	{ "[a\\]", "\\[" },  { "a\\", "backslash" },
		{ "x" LEN_255, "255" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		_cleanup_(patterns_fini) struct patterns patterns = { 0 };
		struct pst_names names = { .n = 4711 };
		struct pst_error error;

		if (add_names(&patterns, rows[i].list, &names, &error) == 0)
			fail_msg("%s was taken", rows[i].list);
		if (!strstr(error.text, rows[i].word))
			fail_msg("%s: %s", rows[i].list, error.text);
		assert_int_equal(names.n, 4711);
	}
}

/* Each row: a list of paths, its components, and which of them are first and last. */
static void test_paths(void **state)
{
	static const struct {
		const char *list, *components;
		uint64_t start, last;
	} rows[] = {
		{ "/etc/ssl:src/build-*", "etc ssl src build-*", 0x5, 0xa },
		{ "a", "a", 1, 1 },
		{ "//a//b/", "a b", 1, 2 },
		{ "a:b:c", "a b c", 7, 7 },
		{ "/", "", PST_PATHS_INSIDE, 0 },
		{ "", "", PST_PATHS_INSIDE, 0 },
		{ "a:", "a", PST_PATHS_INSIDE | 1, 1 },
		{ "*.d/x*", "*.d x*", 1, 2 },
		{ "a\\:b/c", "a:b c", 1, 2 },
		{ "..a/b..", "..a b..", 1, 2 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		_cleanup_(patterns_fini) struct patterns patterns = { 0 };
		struct pst_paths paths;
		struct pst_error error = { .text = "" };
		char all[256] = "";

		if (add_paths(&patterns, rows[i].list, &paths, &error) < 0)
			fail_msg("%s: %s", rows[i].list, error.text);
		for (size_t j = 0; j < patterns.n; j++) {
			const struct pst_pattern *row = &patterns.rows[j];

			strcat(strcat(all, j ? " " : ""), row->text);
			/* Steps are compared one by one: there is nothing to look up in the index. */
			assert_int_equal(row->table, 0);
			assert_int_equal(row->kind, strchr(row->text, '*') ? PST_PATTERN_GLOB :
									     PST_PATTERN_EXACT);
		}
		assert_string_equal(all, rows[i].components);
		assert_int_equal(paths.n_steps, patterns.n);
		assert_int_equal(paths.patterns_at, 0);
		assert_true(paths.start == rows[i].start);
		assert_true(paths.last == rows[i].last);
	}
}

static void test_bad_paths(void **state)
{
	static const struct {
		const char *list, *word;
	} rows[] = {
		{ "a/../b", "'..'" },
		{ "./a", "'.'" },
		{ "a/[b", "\\[" },
		{ "1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2:"
		  "1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1",
		  "62" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		_cleanup_(patterns_fini) struct patterns patterns = { 0 };
		struct pst_paths paths;
		struct pst_error error;

		if (add_paths(&patterns, rows[i].list, &paths, &error) == 0)
			fail_msg("%s was taken", rows[i].list);
		if (!strstr(error.text, rows[i].word))
			fail_msg("%s: %s", rows[i].list, error.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),	  cmocka_unit_test(test_lists),
		cmocka_unit_test(test_bad_names), cmocka_unit_test(test_paths),
		cmocka_unit_test(test_bad_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
