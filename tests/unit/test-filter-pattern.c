// SPDX-License-Identifier: LGPL-2.1-or-later
/* Names, globs and paths of filters: how they are indexed, and the errors for wrong ones. */
#include "../test.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "ebpf/patterns.h"
#include "util/cleanup.h"

#define LEN_255                                                                                    \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"         \
	"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"         \
	"ccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"          \
	"dddddddddddddddd"

#define KEY_64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

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

/* Returns the text of a row's key in the order of the pattern. */
static const char *key_of(const struct pst_pattern *row, bool by_end)
{
	static char key[PST_KEY_WORDS * 8 + 1];

	memset(key, 0, sizeof(key));
	for (int i = 0; i < row->key_len; i++)
		key[by_end ? row->key_len - 1 - i : i] = row->key[i / 8] >> (56 - 8 * (i % 8));
	return key;
}

/*
 * Each row: a pattern, whether its key is the end of the text, the key, and the kind of match that
 * remains.
 */
TEST(pattern_is_indexed_by_its_fixed_text, state)
{
	static const struct {
		const char *pattern;
		bool by_end;
		const char *key;
		enum pst_pattern_kind kind;
	} rows[] = {
		{ ".env", false, ".env", PST_PATTERN_EXACT },
		{ "id_*", false, "id_", PST_PATTERN_OPEN },
		{ "*.key", true, ".key", PST_PATTERN_OPEN },
		{ "*", false, "", PST_PATTERN_OPEN },
		{ "*?*", false, "", PST_PATTERN_GLOB },
		{ "*a*", false, "", PST_PATTERN_GLOB },
		{ "a*b", false, "a", PST_PATTERN_GLOB },
		{ "a*bc", true, "bc", PST_PATTERN_GLOB },
		{ "a?", false, "a", PST_PATTERN_GLOB },
		{ "?*", false, "", PST_PATTERN_GLOB },
		{ "[ab]*", false, "", PST_PATTERN_GLOB },
		{ "*[!a-z]", false, "", PST_PATTERN_GLOB },
		{ "a[*]bc", true, "bc", PST_PATTERN_GLOB },
		{ "build-*-?.tmp", false, "build-", PST_PATTERN_GLOB },
		{ "\\*", false, "*", PST_PATTERN_EXACT },
		{ "a\\?b\\[", false, "a?b[", PST_PATTERN_EXACT },
		{ "\\\\", false, "\\", PST_PATTERN_EXACT },
		{ "a\\**", false, "a*", PST_PATTERN_OPEN },
		{ "*\\*", true, "*", PST_PATTERN_OPEN },
		{ "a\\:b", false, "a:b", PST_PATTERN_EXACT },
		{ "a\\?b?", false, "a?b", PST_PATTERN_GLOB },
		{ "]", false, "]", PST_PATTERN_EXACT },
		{ "a-b!c", false, "a-b!c", PST_PATTERN_EXACT },
		{ "\\ ", false, " ", PST_PATTERN_EXACT },
		{ "a[ ]b*", false, "a", PST_PATTERN_GLOB },
		{ "\\!x", false, "!x", PST_PATTERN_EXACT },
		{ "\\@x", false, "@x", PST_PATTERN_EXACT },
		{ "x!@", false, "x!@", PST_PATTERN_EXACT },
		{ "\303\244*", false, "\303\244", PST_PATTERN_OPEN },
		{ KEY_64, false, KEY_64, PST_PATTERN_EXACT },
		{ KEY_64 "x", false, KEY_64, PST_PATTERN_GLOB },
		{ KEY_64 "*", false, KEY_64, PST_PATTERN_OPEN },
		{ KEY_64 "x*", false, KEY_64, PST_PATTERN_GLOB },
		{ "*" KEY_64, true, KEY_64, PST_PATTERN_OPEN },
		{ "*x" KEY_64, true, KEY_64, PST_PATTERN_GLOB },
		{ LEN_255, false,
		  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		  PST_PATTERN_GLOB },
	};

	for (size_t i = 0; i < N(rows); i++) {
		_cleanup_(patterns_fini) struct patterns patterns = { 0 };
		struct pst_names names;
		struct pst_error error = { .text = "" };

		if (add_names(&patterns, rows[i].pattern, &names, &error) < 0)
			fail_msg("%s: %s", rows[i].pattern, error.text);
		assert_int_equal(patterns.n, 1);
		assert_int_equal(names.n, 1);
		if (names.n_ends != rows[i].by_end || names.n_begins != !rows[i].by_end)
			fail_msg("%s is found by the wrong side", rows[i].pattern);
		if (patterns.rows[0].kind != rows[i].kind)
			fail_msg("%s is taken for %d", rows[i].pattern, patterns.rows[0].kind);
		assert_string_equal(key_of(&patterns.rows[0], rows[i].by_end), rows[i].key);
		assert_int_equal(patterns.rows[0].shorter, PST_NO_ROW);
		assert_int_equal(names.key_words,
				 strlen(rows[i].key) ? (strlen(rows[i].key) + 7) / 8 : 1);
		if (rows[i].kind == PST_PATTERN_GLOB && !strchr(rows[i].pattern, ':'))
			assert_string_equal(patterns.rows[0].text, rows[i].pattern);
	}
}

/* Rows are sorted, and each knows the longest shorter key that its own begins with. */
TEST(patterns_are_sorted_and_know_shorter_keys, state)
{
	static const struct {
		const char *key;
		int shorter;
	} begins[] = {
		{ "a", -1 },  { "a", -1 },   { "ab", 1 }, { "abcd", 2 }, { "abcd", 2 },
		{ "abd", 2 }, { "abde", 5 }, { "ac", 1 }, { "b", -1 },
	};
	_cleanup_(patterns_fini) struct patterns patterns = { 0 };
	struct pst_names first, second;
	struct pst_error error;

	assert_int_equal(add_names(&patterns, "a:x:" LEN_255 "*", &first, &error), -ENAMETOOLONG);
	patterns_fini(&patterns);
	assert_int_equal(add_names(&patterns,
				   "abcd?:b:a:abd*:ab:a*x*:abde:ac:abcd[x]:*.key:*.tkey:*e", &first,
				   &error),
			 0);
	assert_int_equal(first.n, 12);
	assert_int_equal(first.begins_at, 0);
	assert_int_equal(first.n_begins, 9);
	for (int i = 0; i < 9; i++) {
		assert_string_equal(key_of(&patterns.rows[i], false), begins[i].key);
		assert_int_equal((int)patterns.rows[i].shorter, begins[i].shorter);
	}
	assert_int_equal(first.ends_at, 9);
	assert_int_equal(first.n_ends, 3);
	assert_string_equal(key_of(&patterns.rows[9], true), "e");
	assert_string_equal(key_of(&patterns.rows[10], true), ".key");
	assert_string_equal(key_of(&patterns.rows[11], true), ".tkey");

	assert_int_equal(add_names(&patterns, "ab:abc", &second, &error), 0);
	assert_int_equal(second.begins_at, 12);
	assert_int_equal(second.n_begins, 2);
	assert_int_equal(second.n_ends, 0);
	assert_int_equal(patterns.rows[12].shorter, PST_NO_ROW);
	assert_int_equal(patterns.rows[13].shorter, 12);
}

/* A glob is indexed by its begin or its end, whichever fewer patterns of the list share. */
TEST(glob_is_indexed_by_its_rarer_side, state)
{
	static const struct {
		const char *list;
		unsigned int n_ends;
	} rows[] = {
		{ "build-*-1:build-*-2:build-*-3", 3 },
		{ "1*-build:2*-build:3*-build", 0 },
		{ "1x*-build:2x*-build:x-*1:x-*2", 2 },
		{ "*a*:*b*:*c*", 0 },
		{ "a*b:a*b:a*bc", 3 },
	};

	for (size_t i = 0; i < N(rows); i++) {
		_cleanup_(patterns_fini) struct patterns patterns = { 0 };
		struct pst_names names;
		struct pst_error error;

		assert_int_equal(add_names(&patterns, rows[i].list, &names, &error), 0);
		if (names.n_ends != rows[i].n_ends)
			fail_msg("%s: %u by their ends", rows[i].list, names.n_ends);
	}
}

/* Each row: a list of names that is refused, and a part of the error. */
TEST(wrong_name_pattern_is_refused_with_advice, state)
{
	static const struct {
		const char *list, *word;
	} rows[] = {
		{ "", "empty" },
		{ "a::b", "empty" },
		{ "a:", "empty" },
		{ ":a", "empty" },
		{ "a/b", "path" },
		{ "/", "path" },
		{ "[", "\\[" },
		{ "a[b", "\\[" },
		{ "[]", "\\[" },
		{ "[!]", "\\[" },
		{ "[a\\]", "\\[" },
		{ "a\\", "backslash" },
		{ "x" LEN_255, "255" },
		/*
		 * Other programs give these texts a meaning; the error says how to write them here.
		 */
		{ "!x", "\\!x" },
		{ "a:!x", "\\!x" },
		{ "@rules", "\\@rules" },
		{ "**", "'*'" },
		{ "**/x", "'x'" },
		{ "a/**", "every directory" },
		{ "a**b", "'a*b'" },
		{ "***", "'*'" },
		{ ".env .git", ".env:.git" },
		{ " a", "white space" },
		{ "a ", "white space" },
		{ "a\tb", "white space" },
		{ "a\n", "white space" },
		{ "secret/", "'secret'" },
		{ "/secret", "'secret'" },
		{ "/a/b/", "'b'" },
		{ "a/b", "paths=a/b" },
		{ "a:b/", "'b'" },
	};

	for (size_t i = 0; i < N(rows); i++) {
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

/* Each row: a list of paths, its components, and bit masks of the first and last components. */
TEST(path_list_becomes_steps, state)
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
		{ "a:/", "a", PST_PATHS_INSIDE | 1, 1 },
		{ "a/", "a", 1, 1 },
		{ "*.d/x*", "*.d x*", 1, 2 },
		{ "a\\:b/c", "a:b c", 1, 2 },
		{ "..a/b..", "..a b..", 1, 2 },
	};

	for (size_t i = 0; i < N(rows); i++) {
		_cleanup_(patterns_fini) struct patterns patterns = { 0 };
		struct pst_paths paths;
		struct pst_error error = { .text = "" };
		char all[256] = "";

		if (add_paths(&patterns, rows[i].list, &paths, &error) < 0)
			fail_msg("%s: %s", rows[i].list, error.text);
		for (size_t j = 0; j < patterns.n; j++) {
			const struct pst_pattern *row = &patterns.rows[j];

			strcat(strcat(all, j ? " " : ""), row->text);
			assert_int_equal(row->kind, row->text[0] == '*'    ? PST_PATTERN_GLOB :
						    strchr(row->text, '*') ? PST_PATTERN_OPEN :
									     PST_PATTERN_EXACT);
		}
		assert_string_equal(all, rows[i].components);
		assert_int_equal(paths.n_steps, patterns.n);
		assert_int_equal(paths.patterns_at, 0);
		assert_true(paths.start == rows[i].start);
		assert_true(paths.last == rows[i].last);
	}
}

TEST(wrong_path_is_refused_with_advice, state)
{
	static const struct {
		const char *list, *word;
	} rows[] = {
		{ "a/../b", "'..'" },
		{ "./a", "'.'" },
		{ "a/[b", "\\[" },
		{ "", "empty" },
		{ "a:", "empty" },
		{ "!/a", "\\!/a" },
		{ "@rules", "\\@rules" },
		{ "/a/**", "'**'" },
		{ "**/x", "names=x" },
		{ "/a /b", "':'" },
		{ "1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2:"
		  "1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1",
		  "62" },
	};

	for (size_t i = 0; i < N(rows); i++) {
		_cleanup_(patterns_fini) struct patterns patterns = { 0 };
		struct pst_paths paths;
		struct pst_error error;

		if (add_paths(&patterns, rows[i].list, &paths, &error) == 0)
			fail_msg("%s was taken", rows[i].list);
		if (!strstr(error.text, rows[i].word))
			fail_msg("%s: %s", rows[i].list, error.text);
	}
}

/* -- names that no pattern can match ---------------------------------------------------------- */

static bool can_match(const char *list, const char *name)
{
	_cleanup_(patterns_fini) struct patterns patterns = { 0 };
	struct filter_choice choice;
	struct pst_names names;
	struct pst_error error;

	if (add_names(&patterns, list, &names, &error) < 0)
		fail_msg("%s: %s", list, error.text);
	patterns_choice(&patterns, &names, &choice);
	return choice_can_match(&choice, name, strlen(name));
}

TEST(no_name_that_a_pattern_matches_is_passed_unchecked, state)
{
	static const char *const patterns[] = { "a",    "ab",  "a*",    "ab*",  "*a",  "*ab",
						"*",    "?",   "a?",    "?b",   "a*b", "*ab*",
						"[ab]", "*.a", "*[!a]", "a*bc", "\\*", "a\\?b" };
	static const char *const names[] = { "a",  "b",   "ab",   "ba",   "abc", "aab", "xab",
					     ".a", "b.a", "abbc", "\xe4", "*",   "a?b" };

	for (size_t i = 0; i < N(patterns); i++)
		for (size_t k = 0; k < N(names); k++)
			if (fnmatch(patterns[i], names[k], 0) == 0 &&
			    !can_match(patterns[i], names[k]))
				fail_msg("%s matches %s", patterns[i], names[k]);
}

TEST(name_with_other_first_and_last_bytes_matches_no_pattern, state)
{
	static const struct {
		const char *list, *name;
		bool can;
	} rows[] = {
		{ "*.key:.env", "file.c", false },
		{ "*.key:.env", "monkey", true },
		{ "*.key:.env", "f.py", false },
		{ "*.key:.env", ".env", true },
		{ "*.key:.env", ".git", false },
		{ "a", "a", true },
		{ "a", "ab", false },
		{ "ab*", "a", false },
		{ "*ab", "b", false },
		{ "*a", "b", false },
		{ "*x*", "b", true },
	};

	for (size_t i = 0; i < N(rows); i++)
		if (can_match(rows[i].list, rows[i].name) != rows[i].can)
			fail_msg("%s, %s", rows[i].list, rows[i].name);
}

TEST_MAIN(NULL, NULL)
