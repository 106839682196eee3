// SPDX-License-Identifier: LGPL-2.1-or-later
/* Helpers for names and paths (help.bpf.c has a program for each). */
#include "direct.h"

#include <fnmatch.h>
#include <stdio.h>

/* -- globs ------------------------------------------------------------------------------------ */

static int glob(const char *pattern, const char *name)
{
	direct_call(FUSE_LOOKUP);
	direct_name(0, name);
	direct_name(1, pattern);
	return direct_pre();
}

TEST(glob_matches_as_fnmatch_would, state)
{
	static const struct {
		const char *pattern, *name;
		int matches;
	} rows[] = {
		{ "", "", 1 },
		{ "", "a", 0 },
		{ "a", "", 0 },
		{ "a", "a", 1 },
		{ "a", "ab", 0 },
		{ "ab", "a", 0 },
		{ "*", "", 1 },
		{ "*", "anything at all", 1 },
		{ "**", "x", 1 },
		{ "a*", "a", 1 },
		{ "a*", "b", 0 },
		{ "*a", "bba", 1 },
		{ "*a", "bbab", 0 },
		{ "*a*b*", "xxaxxbxx", 1 },
		{ "*a*b*", "xxbxxaxx", 0 },
		{ "*ab", "aaaab", 1 },
		{ "*aab*", "aaaaaaaabaa", 1 },
		{ "*aab", "aaabaaaabc", 0 },
		{ "a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 0 },
		{ "?", "", 0 },
		{ "?", "a", 1 },
		{ "?", "ab", 0 },
		{ "??*", "a", 0 },
		{ "??*", "abc", 1 },
		{ "*?", "", 0 },
		{ "*?", "a", 1 },
		{ "*?b", "aab", 1 },
		{ "[a]", "a", 1 },
		{ "[a]", "b", 0 },
		{ "[a]", "", 0 },
		{ "[abc]x", "bx", 1 },
		{ "[a-c]x", "cx", 1 },
		{ "[a-c]x", "dx", 0 },
		{ "[!a-c]x", "dx", 1 },
		{ "[!a-c]x", "ax", 0 },
		{ "[!a]", "", 0 },
		{ "[a-]", "-", 1 },
		{ "[-a]", "-", 1 },
		{ "[a-cx-z]", "y", 1 },
		{ "[a-cx-z]", "m", 0 },
		{ "[*]", "*", 1 },
		{ "[*]", "a", 0 },
		{ "[?]", "?", 1 },
		{ "[\\]]", "]", 1 },
		{ "[\\]]", "\\", 0 },
		{ "[a\\-c]", "b", 0 },
		{ "[a\\-c]", "-", 1 },
		{ "[\\a-c]", "b", 1 },
		{ "*[ab]c", "xxbac", 1 },
		{ "*[ab]c", "xxbcc", 0 },
		{ "*[!a]", "aaaa", 0 },
		{ "*[!a]", "aaab", 1 },
		{ "\\*", "*", 1 },
		{ "\\*", "a", 0 },
		{ "\\?x", "?x", 1 },
		{ "\\[a]", "[a]", 1 },
		{ "\\[a]", "a", 0 },
		{ "a\\b", "ab", 1 },
		{ ".*", ".env", 1 },
		{ "id_[a-z]*", "id_rsa", 1 },
		{ "id_[a-z]*", "id_", 0 },
		{ "*.t?r.[gx]z", "a.tar.gz", 1 },
		{ "*.t?r.[gx]z", "a.tar.bz", 0 },
		{ "[\xc3]*", "\xc3\xa4", 1 },
		/* Patterns that the loader refuses match nothing. */
		{ "[", "[", 0 },
		{ "[a", "a", 0 },
		{ "\\", "\\", 0 },
	};

	direct_load("help");
	for (size_t i = 0; i < N(rows); i++)
		if (glob(rows[i].pattern, rows[i].name) != rows[i].matches)
			fail_msg("'%s' and '%s': should be %d", rows[i].pattern, rows[i].name,
				 rows[i].matches);
}

/* The longest names and the most expensive globs. */
TEST(longest_names_and_worst_globs_match_correctly, state)
{
	char pattern[256] = "", name[300];

	direct_load("help");
	memset(name, 'a', 255);
	name[255] = '\0';
	assert_int_equal(glob("*", name), 1);
	assert_int_equal(glob("*a", name), 1);
	assert_int_equal(glob("*b", name), 0);
	memset(pattern, '?', 255);
	assert_int_equal(glob(pattern, name), 1);
	pattern[254] = '\0';
	assert_int_equal(glob(pattern, name), 0);
	memset(pattern, 0, sizeof(pattern));
	for (int i = 0; i < 127; i++)
		memcpy(pattern + 2 * i, "*a", 2);
	assert_int_equal(glob(pattern, name), 1);
	pattern[253] = 'b';
	assert_int_equal(glob(pattern, name), 0);
	/* No file system has names of 256 bytes. */
	memset(name, 'a', 256);
	name[256] = '\0';
	assert_int_equal(glob("*", name), 0);
}

/* -- names ------------------------------------------------------------------------------------ */

static int match(const char *name)
{
	direct_call(FUSE_OPEN);
	direct_name(1, name);
	return direct_pre();
}

TEST(name_list_matches_exact_names_and_globs, state)
{
	static const struct {
		const char *name;
		int matches;
	} rows[] = {
		{ ".env", 1 },
		{ ".envx", 0 },
		{ "x.env", 0 },
		{ "a.key", 1 },
		{ ".key", 1 },
		{ "key", 0 },
		{ "a.keys", 0 },
		{ "core", 1 },
		{ "core.1", 1 },
		{ "cor", 0 },
		{ "id_rsa", 1 },
		{ "id_9", 0 },
		{ "a*b", 1 },
		{ "axb", 0 },
		{ "x.tar.gz", 1 },
		{ "x.tar", 0 },
		{ "", 0 },
		{ "quite a long name that has more bytes than a word", 1 },
		{ "quite a long name that has more bytes than a worD", 0 },
	};
	char name[300];

	direct_load("help,names=.env:*.key:core*:id_[a-z]*:a\\*b:*.tar.gz:"
		    "quite\\ a\\ long\\ name\\ that\\ has\\ more\\ bytes\\ than\\ a\\ word");
	for (size_t i = 0; i < N(rows); i++)
		if (match(rows[i].name) != rows[i].matches)
			fail_msg("'%s': should be %d", rows[i].name, rows[i].matches);
	memset(name, 'n', 251);
	strcpy(name + 251, ".key");
	assert_int_equal(match(name), 1);
	name[254] = 'x';
	assert_int_equal(match(name), 0);
	strcpy(name + 252, ".key");
	assert_int_equal(match(name), 0);
	direct_load("help");
	assert_int_equal(match(".env"), 0);
	assert_int_equal(match(""), 0);
	/* A second list of the filter does not match names of the first. */
	direct_load("help,names=*,ops=mkdir");
	assert_int_equal(match("a"), 1);
	direct_call(FUSE_RMDIR);
	assert_int_equal(direct_pre(), 0);
	direct_call(FUSE_MKDIR);
	assert_int_equal(direct_pre(), 1);
}

/* Prefixes and suffixes that end at the boundaries of words, and of blocks of words. */
TEST(fixed_text_of_any_length_matches_exactly, state)
{
	static const int lens[] = { 1,  7,   8,   9,   16,  31,  63,  64,
				    65, 127, 128, 200, 247, 248, 249, 254 };

	for (size_t i = 0; i < N(lens); i++) {
		char spec[600] = "help,names=", name[300] = "";
		size_t at = strlen(spec);
		int len = lens[i];

		memset(spec + at, 'p', len);
		strcat(spec, "*:*");
		memset(spec + strlen(spec), 's', len);
		direct_load(spec);
		memset(name, 'p', len);
		assert_int_equal(match(name), 1);
		strcat(name, "x");
		assert_int_equal(match(name), len < 255);
		name[len - 1] = 'x';
		assert_int_equal(match(name), 0);
		memset(name, 's', len);
		name[len] = '\0';
		assert_int_equal(match(name), 1);
		memmove(name + 1, name, len + 1);
		name[0] = 'x';
		assert_int_equal(match(name), 1);
		name[len] = 'x';
		assert_int_equal(match(name), 0);
	}
}

TEST(thousand_names_match_exactly, state)
{
	static const char *const absent[] = { "name100001.c", "name101000.c", "x.e100000", "name",
					      "" };
	char spec[20000] = "help,names=x", *end = spec + strlen(spec), name[64];

	for (int i = 0; i < 1000; i++)
		end += sprintf(end, i % 2 ? ":*.e%d" : ":name%d.c", 100000 + i);
	direct_load(spec);
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), i % 2 ? "x.e%d" : "name%d.c", 100000 + i);
		if (!match(name))
			fail_msg("'%s': should match", name);
	}
	for (size_t i = 0; i < N(absent); i++)
		assert_int_equal(match(absent[i]), 0);
}

/* Makes a text of n random pieces. */
static void pick(char *text, unsigned int *seed, const char *const *pieces, int n_pieces, int n)
{
	text[0] = '\0';
	for (int i = 0; i < n; i++)
		strcat(text, pieces[rand_r(seed) % n_pieces]);
}

#define LONG "abababababababababababababababababababababababababababababababababababab"

/*
 * Random lists of patterns match as fnmatch(3) does. There are few pieces, so that patterns share
 * begins and ends; the last piece is longer than a key.
 */
TEST(random_lists_match_as_fnmatch_does, state)
{
	static const char *const pieces[] = {
		"a", "b", "ab", "*", "?", "[ab]", "[!a]", "\\*", LONG,
	};
	static const char *const words[] = { "a", "b", "ab", "*", "x", LONG };
	unsigned int seed = 1, n_matches = 0;
	char pattern[40][600], name[600], spec[40 * 600];

	for (int list = 0; list < 60; list++) {
		int n = 1 + rand_r(&seed) % 40, n_pieces = rand_r(&seed) % 3 ? 8 : 9;

		strcpy(spec, "help");
		for (int i = 0; i < n; i++) {
			do
				pick(pattern[i], &seed, pieces, n_pieces, 1 + rand_r(&seed) % 7);
			while (strlen(pattern[i]) > 255 || strstr(pattern[i], "**"));
			strcat(strcat(spec, i ? ":" : ",names="), pattern[i]);
		}
		direct_load(spec);
		for (int k = 0; k < 200; k++) {
			int want = 0;

			pick(name, &seed, words, n_pieces == 9 ? 6 : 5, 1 + rand_r(&seed) % 8);
			if (strlen(name) > 255)
				continue;
			for (int i = 0; i < n; i++)
				want |= fnmatch(pattern[i], name, 0) == 0;
			n_matches += want;
			if (match(name) != want)
				fail_msg("'%s' in %s: should be %d", name, spec, want);
		}
	}
	assert_in_range(n_matches, 2000, 10000);
}

TEST(name_is_compares_the_whole_name, state)
{
	static const struct {
		const char *name;
		int is;
	} rows[] = { { "lost+found", 1 }, { "lost+foun", 0 }, { "lost+found2", 0 }, { "", 0 } };

	direct_load("help");
	for (size_t i = 0; i < N(rows); i++) {
		direct_call(FUSE_UNLINK);
		direct_name(0, rows[i].name);
		assert_int_equal(direct_pre(), rows[i].is);
	}
}

TEST(id_list_matches_its_ranges_only, state)
{
	static const struct {
		uint32_t uid;
		int matches;
	} rows[] = { { 0, 1 },    { 1, 0 },    { 999, 0 },        { 1000, 1 },
		     { 1999, 1 }, { 2000, 0 }, { 4294967295u, 1 } };

	direct_load("help,ids=0:1000-1999:4294967295");
	for (size_t i = 0; i < N(rows); i++) {
		direct_call(FUSE_GETATTR)->caller.uid = rows[i].uid;
		assert_int_equal(direct_pre(), rows[i].matches);
	}
	direct_load("help");
	direct_call(FUSE_GETATTR);
	assert_int_equal(direct_pre(), 0);
}

TEST(operation_list_matches_names_and_globs, state)
{
	static const struct {
		uint32_t opcode;
		int matches;
	} rows[] = { { FUSE_MKDIR, 1 }, { FUSE_REMOVEXATTR, 1 }, { FUSE_SETXATTR, 1 },
		     { FUSE_RMDIR, 0 }, { FUSE_SYMLINK, 0 },     { FUSE_COPY_FILE_RANGE, 1 } };

	direct_load("help,ops=mkdir:*xattr:copy");
	for (size_t i = 0; i < N(rows); i++) {
		direct_call(rows[i].opcode);
		assert_int_equal(direct_pre(), rows[i].matches);
	}
}

/* -- paths ------------------------------------------------------------------------------------ */

TEST(only_files_below_the_paths_are_inside, state)
{
	static const struct {
		const char *path;
		int inside;
	} rows[] = {
		{ "", 0 },
		{ "etc", 0 },
		{ "etc/ssl", 1 },
		{ "etc/ssl/private", 1 },
		{ "etc/ssl/private/a/b/c", 1 },
		{ "etc/sslx", 0 },
		{ "etc/ss", 0 },
		{ "ssl", 0 },
		{ "etc/etc/ssl", 0 },
		{ "x/etc/ssl", 0 },
		{ "src", 0 },
		{ "src/build", 0 },
		{ "src/build-1", 1 },
		{ "src/build-1/x", 1 },
		{ "src/x/build-1", 0 },
		{ "home/anna/.ssh", 1 },
		{ "home/bob/.ssh/id", 1 },
		{ "home/.ssh", 0 },
		{ "home/anna/x/.ssh", 0 },
		{ "home/anna/.gnupg/private", 1 },
		{ "home/anna/.gnupg/public", 0 },
		{ "a", 1 },
		{ "a/b/c", 1 },
		{ "lost", 0 },
	};

	direct_load("help,paths=/etc/ssl:src/build-*:/home/*/.ssh:home/anna/.gnupg/priv*:/a:/a/b");
	for (size_t i = 0; i < N(rows); i++)
		if ((int)(direct_cell(rows[i].path) >> 63) != rows[i].inside)
			fail_msg("'%s': should be %d", rows[i].path, rows[i].inside);
	direct_load("help,paths=/");
	assert_true(direct_facts()->cell == PST_PATHS_INSIDE);
}

/* The largest number of components, and a path that has all of them. */
TEST(path_of_62_components_is_followed_to_its_end, state)
{
	char spec[400] = "help,paths=", path[300] = "";

	for (int i = 0; i < PST_MAX_STEPS; i++) {
		sprintf(spec + strlen(spec), "/%d", i);
		if (i < PST_MAX_STEPS - 1)
			sprintf(path + strlen(path), "/%d", i);
	}
	direct_load(spec);
	assert_int_equal(direct_cell(path), 1ULL << (PST_MAX_STEPS - 1));
	sprintf(path + strlen(path), "/%d", PST_MAX_STEPS - 1);
	assert_int_equal(direct_cell(path), PST_PATHS_INSIDE);
}

/*
 * A new hard link of a file inside the paths stays inside. A directory has one place, so its path
 * decides.
 */
TEST(hard_link_stays_inside_and_directory_does_not, state)
{
	struct pst_call *call;

	direct_load("help,paths=/secret");
	for (int row = 0; row < 3; row++) {
		call = direct_call(FUSE_LOOKUP);
		direct_name(0, "other");
		call->cell = direct_facts()->cell;
		call->child.known = row > 0;
		call->child.known_cell = PST_PATHS_INSIDE;
		call->child.attr.mode = row == 2 ? S_IFDIR : S_IFREG;
		assert_int_equal(direct_named(), row == 1);
	}
}

TEST_MAIN(direct_setup, direct_teardown)
