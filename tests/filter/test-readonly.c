// SPDX-License-Identifier: LGPL-2.1-or-later
/* readonly and readonly-for: the verdict for each operation and place. */
#include "direct.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>

/* Creating and removing names is refused in protected places only. */
TEST(names_are_read_only_below_the_paths, state)
{
	static const struct {
		const char *dir, *name;
		int verdict;
	} rows[] = {
		{ "", "usr", -EROFS },      { "usr", "x", -EROFS },
		{ "usr/a/b", "x", -EROFS }, { "", "etc", 0 },
		{ "etc", "x", 0 },          { "etc", "ssl", -EROFS },
		{ "a", "usr", 0 },          { "a", "x.lock", -EROFS },
		{ "a", "lock", 0 },         { "a/x.lock", "in", -EROFS },
	};
	static const uint32_t changes[] = { FUSE_CREATE, FUSE_MKDIR,  FUSE_MKNOD, FUSE_SYMLINK,
					    FUSE_LINK,   FUSE_UNLINK, FUSE_RMDIR, FUSE_RENAME2 };

	direct_load("readonly,names=*.lock,paths=/usr:/etc/ssl");
	for (size_t i = 0; i < N(rows); i++) {
		uint64_t cell = direct_cell(rows[i].dir);

		assert_int_equal(direct_lookup(cell, rows[i].name), 0);
		for (size_t k = 0; k < N(changes); k++) {
			direct_call(changes[k])->cell = cell;
			direct_name(0, rows[i].name);
			if (direct_named() != rows[i].verdict)
				fail_msg("%s of '%s' in '%s': should be %d",
					 op_filter_name(changes[k]), rows[i].name, rows[i].dir,
					 rows[i].verdict);
		}
		direct_call(FUSE_READDIR)->cell = cell;
		direct_name(0, rows[i].name);
		assert_int_equal(direct_named(), 0);
	}
}

static const struct row {
	uint32_t opcode;
	uint32_t word; /* flags, or the command */
	int refused;
	int second; /* 1: it is node2 that is changed */
} ops[] = {
	{ FUSE_OPEN, O_RDONLY, 0, 0 },
	{ FUSE_OPEN, O_RDONLY | O_DIRECT | O_APPEND, 0, 0 },
	{ FUSE_OPEN, O_WRONLY, 1, 0 },
	{ FUSE_OPEN, O_RDWR, 1, 0 },
	{ FUSE_OPEN, O_RDONLY | O_TRUNC, 1, 0 },
	{ FUSE_OPEN, O_ACCMODE, 1, 0 },
	{ FUSE_SETATTR, 0, 1, 0 },
	{ FUSE_SETXATTR, 0, 1, 0 },
	{ FUSE_REMOVEXATTR, 0, 1, 0 },
	{ FUSE_FALLOCATE, 0, 1, 0 },
	{ FUSE_TMPFILE, 0, 1, 0 },
	{ FUSE_LINK, 0, 1, 1 },
	{ FUSE_COPY_FILE_RANGE, 0, 1, 1 },
	{ FUSE_IOCTL, FS_IOC_SETFLAGS, 1, 0 },
	{ FUSE_IOCTL, FS_IOC_FSSETXATTR, 1, 0 },
	{ FUSE_IOCTL, FS_IOC_GETFLAGS, 0, 0 },
	{ FUSE_IOCTL, FS_IOC_FSGETXATTR, 0, 0 },
};

static struct pst_call *prepare(const struct row *op, uint64_t cell)
{
	struct pst_call *call = direct_call(op->opcode);

	if (op->opcode == FUSE_OPEN)
		call->in.open.flags = op->word;
	if (op->opcode == FUSE_IOCTL)
		call->in.ioctl.cmd = op->word;
	*(op->second ? &call->cell2 : &call->cell) = cell;
	return call;
}

TEST(files_are_read_only_below_the_paths, state)
{
	static const struct {
		const char *spec;
		uint64_t cell;
		int inside;
	} where[] = {
		{ "readonly", 0, 1 },
		{ "readonly,paths=/usr", PST_PATHS_INSIDE, 1 },
		{ "readonly,names=x", PST_PATHS_INSIDE, 1 },
		{ "readonly,paths=/usr", 0, 0 },
		{ "readonly,paths=/usr", 1, 0 },
		{ "readonly,names=x", 0, 0 },
	};

	for (size_t i = 0; i < N(where); i++) {
		direct_load(where[i].spec);
		for (size_t k = 0; k < N(ops); k++) {
			prepare(&ops[k], where[i].cell);
			if (direct_pre() != (where[i].inside && ops[k].refused ? -EROFS : 0))
				fail_msg("%s: %s, %#x", where[i].spec,
					 op_filter_name(ops[k].opcode), ops[k].word);
		}
	}
	/* The filter has no programs for data, so the kernel passes files through. */
	assert_false(direct_facts()->ops[FILTER_PRE] & (1ULL << FUSE_WRITE | 1ULL << FUSE_READ));
	assert_int_equal(direct_facts()->ops[FILTER_POST], 0);
}

TEST(only_matching_callers_are_refused, state)
{
	static const struct {
		uint32_t uid;
		uint64_t cgroup;
		int refused;
	} rows[] = { { 1000, 7, 1 }, { 1000, 8, 0 }, { 0, 7, 0 } };

	direct_load("readonly-for,paths=/usr,uid=1000,cgroup=7");
	assert_true(direct_facts()->flags & PST_BY_CALLER);
	for (size_t i = 0; i < N(rows); i++) {
		struct pst_call *call;

		for (size_t k = 0; k < N(ops); k++) {
			call = prepare(&ops[k], PST_PATHS_INSIDE);
			call->caller.uid = rows[i].uid;
			call->caller.cgroup = rows[i].cgroup;
			assert_int_equal(direct_pre(),
					 rows[i].refused && ops[k].refused ? -EROFS : 0);
		}
		call = direct_call(FUSE_UNLINK);
		direct_name(0, "x");
		call->cell = PST_PATHS_INSIDE;
		call->caller.uid = rows[i].uid;
		call->caller.cgroup = rows[i].cgroup;
		assert_int_equal(direct_named(), rows[i].refused ? -EROFS : 0);
	}
}

TEST_MAIN(direct_setup, direct_teardown)
