// SPDX-License-Identifier: LGPL-2.1-or-later
/* hide and hide-for: the verdict for a name. */
#include "direct.h"

#include <stdio.h>
#include <stdlib.h>

struct row {
	const char *dir, *name;
	int verdict;
};

static void check(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (direct_lookup(direct_cell(rows[i].dir), rows[i].name) != rows[i].verdict)
			fail_msg("'%s' in '%s': should be %d", rows[i].name, rows[i].dir,
				 rows[i].verdict);
}

TEST(hidden_name_is_absent_in_every_directory, state)
{
	static const struct row rows[] = {
		{ "", ".env", -ENOENT },   { "a/b/c", ".env", -ENOENT }, { "", "x.key", -ENOENT },
		{ "a", "x.key", -ENOENT }, { "", ".env.example", 0 },    { "", "key", 0 },
		{ "", "id_rsa", -ENOENT }, { "", "id_RSA", 0 },          { "", "", 0 },
	};

	direct_load("hide,names=.env:*.key:id_[a-z]*");
	check(rows, N(rows));
}

TEST(hidden_path_is_absent_with_all_below, state)
{
	static const struct row rows[] = {
		{ "", "etc", 0 },
		{ "etc", "ssl", -ENOENT },
		{ "etc", "passwd", 0 },
		{ "etc/ssl", "x", -ENOENT },
		{ "", "ssl", 0 },
		{ "a/etc", "ssl", 0 },
		{ "home/anna", ".ssh", -ENOENT },
		{ "home", ".ssh", 0 },
		{ "", ".git", -ENOENT },
		{ "a", ".git", -ENOENT },
	};

	direct_load("hide,names=.git,paths=/etc/ssl:/home/*/.ssh");
	check(rows, N(rows));
}

/* A caller has to match all options. Other callers may enter hidden directories. */
TEST(only_matching_callers_find_the_name_absent, state)
{
	static const struct {
		const char *options;
		uint32_t uid, gid;
		uint64_t cgroup;
		int verdict;
	} rows[] = {
		{ ",uid=*", 0, 0, 0, -ENOENT },
		{ ",uid=1000-1999", 1000, 5, 0, -ENOENT },
		{ ",uid=1000-1999", 999, 5, 0, 0 },
		{ ",gid=5", 1000, 5, 0, -ENOENT },
		{ ",gid=5", 1000, 6, 0, 0 },
		{ ",uid=1000,gid=5", 1000, 5, 0, -ENOENT },
		{ ",uid=1000,gid=5", 1000, 6, 0, 0 },
		{ ",uid=1000,gid=5", 1001, 5, 0, 0 },
		{ ",cgroup=77:4711", 0, 0, 4711, -ENOENT },
		{ ",cgroup=77:4711", 0, 0, 4712, 0 },
		{ ",cgroup=77:4711", 0, 0, 0, 0 },
	};

	for (size_t i = 0; i < N(rows); i++) {
		char spec[200];
		struct pst_call *call;

		snprintf(spec, sizeof(spec), "hide-for,names=.env,paths=/etc/ssl%s",
			 rows[i].options);
		direct_load(spec);
		assert_true(direct_facts()->flags & PST_BY_CALLER);
		for (int path = 0; path < 2; path++) {
			direct_lookup(path ? direct_cell("etc") : direct_cell("a"),
				      path ? "ssl" : ".env");
			call = direct_again();
			call->caller.uid = rows[i].uid;
			call->caller.gid = rows[i].gid;
			call->caller.cgroup = rows[i].cgroup;
			if (direct_named() != rows[i].verdict)
				fail_msg("row %zu: should be %d", i, rows[i].verdict);
			/*
			 * The cell is the same for every caller, because files in the directory ask
			 * about the cell.
			 */
			assert_int_equal(call->child.cell, PST_PATHS_INSIDE);
		}
	}
}

/*
 * The filter excludes a file once its type is known not to be a directory, because no name lies
 * below it.
 */
TEST(hide_leaves_files_and_keeps_directories, state)
{
	static const struct {
		uint32_t opcode, mode, held;
	} rows[] = {
		{ FUSE_LOOKUP, 0, 1 },       { FUSE_LOOKUP, S_IFDIR, 1 },
		{ FUSE_LOOKUP, S_IFREG, 0 }, { FUSE_READDIR, S_IFLNK, 0 },
		{ FUSE_CREATE, 0, 0 },       { FUSE_MKDIR, 0, 1 },
		{ FUSE_LINK, 0, 0 },
	};

	direct_load("hide,names=.env");
	for (size_t i = 0; i < N(rows); i++) {
		struct pst_call *call = direct_call(rows[i].opcode);

		direct_name(0, "other");
		call->child.attr.mode = rows[i].mode;
		assert_int_equal(direct_named(), 0);
		assert_int_equal(call->child.held, rows[i].held);
	}
}

/* Patterns with a number at the place of %d. */
struct kind {
	const char *what, *pattern, *hidden;
	double limit_ns;
};

static void load_many(const struct kind *kind, int n)
{
	char *spec = malloc(64 * n + 64), *p = spec;

	assert_non_null(spec);
	p += sprintf(p, "hide,names=");
	for (int i = 0; i < n; i++) {
		if (i)
			*p++ = ':';
		p += sprintf(p, kind->pattern, i);
	}
	direct_load(spec);
	free(spec);
}

/* A thousand patterns cost about as much as one, unless they all begin and end alike. */
TEST(thousand_patterns_cost_about_as_much_as_one, state)
{
	static const struct kind kinds[] = {
		{ "names", "name-%d.c", "name-777.c", 2000 },
		{ "TEXT*", "name-%d-*", "name-777-x", 2000 },
		{ "*TEXT", "*.%d.key", "a.777.key", 2000 },
		{ "globs by beginnings", "%d-*-?.tmp", "777-build-1.tmp", 2000 },
		{ "globs by ends", "build-*-?.%d", "build-x-1.777", 2000 },
		{ "globs without either", "*a%db*", "xa777bx", 1e9 },
		{ "globs that are alike", "a*-%d-*z", "ab-777-yz", 1e9 },
	};

	for (size_t i = 0; i < N(kinds); i++) {
		double one, many;

		load_many(&kinds[i], 1);
		assert_int_equal(direct_lookup(0, "a-main.z"), 0);
		one = direct_ns(direct_named, 20000);
		load_many(&kinds[i], 1000);
		assert_int_equal(direct_lookup(0, kinds[i].hidden), -ENOENT);
		assert_int_equal(direct_lookup(0, "a-main.z"), 0);
		many = direct_ns(direct_named, kinds[i].limit_ns < 1e6 ? 2000 : 10);
		print_message("hide, %s: %.0f ns with 1, %.0f ns with 1000\n", kinds[i].what, one,
			      many);
		assert_true(many < one + kinds[i].limit_ns);
	}
}

TEST_MAIN(direct_setup, direct_teardown)
