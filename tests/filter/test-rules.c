// SPDX-License-Identifier: LGPL-2.1-or-later
/* rules: the program for names decides as the lines do, and operations get the values of lines. */
#include "direct.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../unit/random-rules.h"
#include "rules/decide.h"
#include "util/cleanup.h"

/* PST_OPEN_EXEC of <penstock/filter.bpf.h> */
#define OPEN_EXEC 0x20

#define PAIRS (1u << RULE_HIDE | 1u << RULE_READONLY | 1u << RULE_DENY)

static char path_of_rules[] = "/tmp/penstock-rules-XXXXXX";

/* Writes the lines to a file, and loads the filter with it. */
static void load_lines(const char *text)
{
	static bool made;
	char spec[128];
	FILE *file;

	if (!made)
		close(mkstemp(path_of_rules));
	made = true;
	file = fopen(path_of_rules, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	snprintf(spec, sizeof(spec), "rules,file=%s", path_of_rules);
	direct_load(spec);
}

/* Runs the program for names on a name of which the type is known. Returns the verdict. */
static int look(uint32_t opcode, uint64_t cell, const char *name, uint32_t mode)
{
	struct pst_call *call = direct_call(opcode);

	call->cell = call->child.cell = cell;
	call->child.held = 1;
	call->child.attr.mode = mode;
	direct_name(0, name);
	return direct_named();
}

/* -- against the lines ------------------------------------------------------------------------- */

/* Returns what the program says about a file that is no directory: its cell, or 0. */
static uint64_t value_of_file(void)
{
	const struct pst_call *call = direct_again();

	return call->child.held ? call->child.cell : 0;
}

static void compare(const struct rules *rules, const struct rule_path *path)
{
	uint64_t cell = direct_facts()->cell;

	for (size_t n = 1; n <= path->n; n++) {
		struct rule_path part = *path;
		struct decided decided;
		int verdict;

		part.n = n;
		part.is_dir = n < path->n || path->is_dir;
		verdict =
			look(FUSE_LOOKUP, cell, path->name[n - 1], part.is_dir ? S_IFDIR : S_IFREG);
		rules_decide(rules, &part, &decided);
		assert_int_equal(verdict, decided.hidden ? -ENOENT : 0);
		if (decided.hidden)
			return;
		if (!part.is_dir)
			assert_int_equal(value_of_file(), decided_value(&decided, PAIRS));
		cell = direct_again()->child.cell;
	}
}

TEST(program_decides_as_lines_do, state)
{
	static const char *const verbs[] = { "hide",         "hide",
					     "allow",        "readonly",
					     "writable",     "deny(unlink)",
					     "allow",        "deny(unlink,exec)",
					     "deny(exec) !x" };
	struct random random = { .state = 3 };

	for (int i = 0; i < 8; i++) {
		_cleanup_(rules_fini) struct rules rules = { 0 };
		char text[4096], pattern[256];
		struct pst_error error;
		size_t len = 0;

		for (int n = 0; n < 25; n++) {
			random_pattern(&random, pattern);
			len += (size_t)sprintf(text + len, "%s %s\n",
					       verbs[random_below(&random, N(verbs))], pattern);
		}
		assert_int_equal(rules_parse("test", text, len, &rules, &error), 0);
		load_lines(text);
		for (int k = 0; k < 400; k++) {
			const char *name[4];
			struct rule_path path = { name, 1 + random_below(&random, 4), k & 1 };

			for (size_t n = 0; n < path.n; n++)
				name[n] = random_names[random_below(&random, N(random_names))];
			compare(&rules, &path);
		}
	}
}

/* -- types ------------------------------------------------------------------------------------- */

TEST(name_of_unknown_type_is_hidden_early_if_any_file_would_be, state)
{
	load_lines("hide *.key build/\nhide /way\nallow /way/x\n");
	assert_int_equal(look(FUSE_LOOKUP, direct_facts()->cell, "a.key", 0), -ENOENT);
	assert_int_equal(look(FUSE_LOOKUP, direct_facts()->cell, "build", 0), 0);
	assert_int_equal(look(FUSE_LOOKUP, direct_facts()->cell, "build", S_IFDIR), -ENOENT);
	assert_int_equal(look(FUSE_LOOKUP, direct_facts()->cell, "build", S_IFREG), 0);
	assert_int_equal(look(FUSE_LOOKUP, direct_facts()->cell, "way", 0), 0);
	assert_int_equal(look(FUSE_LOOKUP, direct_facts()->cell, "way", S_IFREG), -ENOENT);
	/* A listing without types must not show what may be hidden. */
	assert_int_equal(look(FUSE_READDIR, direct_facts()->cell, "build", 0), -ENOENT);
	assert_int_equal(look(FUSE_READDIR, direct_facts()->cell, "main.c", 0), 0);
}

TEST(file_of_unknown_path_has_all_values, state)
{
	load_lines("readonly /a\ndeny(exec) /b\n");
	assert_int_equal(look(FUSE_LOOKUP, PST_RULES_UNKNOWN, "x", S_IFREG), 0);
	assert_int_equal(direct_again()->child.cell, PST_RULES_UNKNOWN);
	assert_int_equal(look(FUSE_UNLINK, PST_RULES_UNKNOWN, "x", S_IFREG), -EROFS);
}

/* -- operations -------------------------------------------------------------------------------- */

/* Returns the verdict of an operation on the file x, which the lines have matched. */
static int operate(uint32_t opcode, uint32_t argument)
{
	uint64_t cell;
	struct pst_call *call;

	look(FUSE_LOOKUP, direct_facts()->cell, "x", S_IFREG);
	cell = value_of_file();
	call = direct_call(opcode);
	call->cell = call->cell2 = cell;
	call->node.attr.mode = call->node2.attr.mode = S_IFREG;
	call->child.cell = cell;
	call->in.open.flags = argument;
	if (opcode == FUSE_CREATE)
		call->in.create.flags = argument;
	if (opcode == FUSE_SETATTR)
		call->in.setattr.valid = argument;
	return direct_pre();
}

TEST(denied_operation_fails_and_no_other, state)
{
	static const struct {
		const char *lines;
		uint32_t opcode, argument;
		int verdict;
	} rows[] = {
		{ "deny(read) x", FUSE_OPEN, O_RDONLY, -EPERM },
		{ "deny(read) x", FUSE_OPEN, O_RDWR, -EPERM },
		{ "deny(read) x", FUSE_OPEN, O_WRONLY, 0 },
		{ "deny(read) x", FUSE_OPEN, OPEN_EXEC, 0 },
		{ "deny(write) x", FUSE_OPEN, O_RDWR, -EPERM },
		{ "deny(write) x", FUSE_OPEN, O_RDONLY, 0 },
		{ "deny(write) x", FUSE_OPEN, O_RDONLY | O_TRUNC, -EPERM },
		{ "deny(write) x", FUSE_SETATTR, FATTR_SIZE, -EPERM },
		{ "deny(write) x", FUSE_CREATE, O_WRONLY, -EPERM },
		{ "deny(write) x", FUSE_CREATE, O_RDONLY, 0 },
		{ "deny(exec) x", FUSE_OPEN, OPEN_EXEC, -EPERM },
		{ "deny(exec) x", FUSE_OPEN, O_RDONLY, 0 },
		{ "deny(truncate) x", FUSE_OPEN, O_WRONLY | O_TRUNC, -EPERM },
		{ "deny(truncate) x", FUSE_SETATTR, FATTR_SIZE, -EPERM },
		{ "deny(chmod) x", FUSE_SETATTR, FATTR_MODE, -EPERM },
		{ "deny(chmod) x", FUSE_SETATTR, FATTR_UID, 0 },
		{ "deny(chown) x", FUSE_SETATTR, FATTR_UID, -EPERM },
		{ "deny(utime) x", FUSE_SETATTR, FATTR_MTIME, -EPERM },
		{ "deny(xattr) x", FUSE_SETXATTR, 0, -EPERM },
		{ "deny(xattr) x", FUSE_REMOVEXATTR, 0, -EPERM },
		{ "deny(link) x", FUSE_LINK, 0, -EPERM },
		{ "deny(ioctl) x", FUSE_IOCTL, 0, -EPERM },
		{ "readonly x", FUSE_OPEN, O_RDONLY, 0 },
		{ "readonly x", FUSE_OPEN, O_WRONLY, -EROFS },
		{ "readonly x", FUSE_SETATTR, FATTR_MODE, -EROFS },
		{ "readonly x", FUSE_FALLOCATE, 0, -EROFS },
		{ "readonly x", FUSE_COPY_FILE_RANGE, 0, -EROFS },
	};

	for (size_t i = 0; i < N(rows); i++) {
		if (!i || strcmp(rows[i].lines, rows[i - 1].lines) != 0)
			load_lines(rows[i].lines);
		assert_int_equal(operate(rows[i].opcode, rows[i].argument), rows[i].verdict);
	}
}

TEST(denied_names_are_not_made_removed_or_renamed, state)
{
	static const struct {
		const char *operation;
		uint32_t opcode, mode;
	} rows[] = {
		{ "create", FUSE_CREATE, S_IFREG },   { "create", FUSE_MKNOD, S_IFREG },
		{ "mknod", FUSE_MKNOD, S_IFIFO },     { "mkdir", FUSE_MKDIR, S_IFDIR },
		{ "symlink", FUSE_SYMLINK, S_IFLNK }, { "link", FUSE_LINK, S_IFREG },
		{ "unlink", FUSE_UNLINK, 0 },         { "unlink", FUSE_RENAME2, S_IFREG },
		{ "rmdir", FUSE_RMDIR, 0 },           { "rmdir", FUSE_RENAME2, S_IFDIR },
		{ "rename", FUSE_RENAME2, S_IFREG },
	};

	for (size_t i = 0; i < N(rows); i++) {
		char lines[64];

		snprintf(lines, sizeof(lines), "deny(%s) x\n", rows[i].operation);
		load_lines(lines);
		for (size_t k = 0; k < N(rows); k++) {
			bool denied = strcmp(rows[i].operation, rows[k].operation) == 0;

			/* A rename is denied by two words. */
			if (rows[k].opcode == FUSE_RENAME2 && !denied)
				continue;
			assert_int_equal(
				look(rows[k].opcode, direct_facts()->cell, "x", rows[k].mode),
				denied ? -EPERM : 0);
		}
	}
}

/* -- cost -------------------------------------------------------------------------------------- */

/* Returns the nanoseconds of a run for a new name, with n lines in the given form. */
static double time_lines(unsigned int n, const char *format)
{
	char *text = malloc(n * 64 + 1);
	size_t len = 0;
	double ns;

	assert_non_null(text);
	for (unsigned int i = 0; i < n; i++)
		len += (size_t)snprintf(text + len, 64, format, i, i);
	load_lines(text);
	free(text);
	look(FUSE_LOOKUP, direct_facts()->cell, "Makefile.in", S_IFREG);
	ns = direct_ns(direct_named, 2000);
	return ns;
}

TEST(thousand_lines_cost_hardly_more_than_one, state)
{
	static const char *const formats[] = {
		"hide name-%u.c\n",
		"hide *.%u.key\n",
		"hide /src/dir-%u/%u\n",
		"readonly %u-*/\n",
		"hide build-*.%u\nallow /x/%u/*\n",
	};

	for (size_t i = 0; i < N(formats); i++) {
		double one = time_lines(1, formats[i]), many = time_lines(1000, formats[i]);

		print_message("%.12s...: 1 line %.0f ns, 1000 lines %.0f ns\n", formats[i], one,
			      many);
		/* Trying the lines one by one would take a hundred times as long. */
		assert_true(many < 10 * one);
	}
}

static int forget_file(void **state)
{
	unlink(path_of_rules);
	return direct_teardown(state);
}

TEST_MAIN(direct_setup, forget_file)
