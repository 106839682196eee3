// SPDX-License-Identifier: LGPL-2.1-or-later
/* The lower tree of a fuzzer's view, and a file outside it that must not change. */
#include "fuzz-tree.h"

#include <assert.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define NAME_60  "n12345678901234567890123456789012345678901234567890123456789"
#define NAME_250 NAME_60 NAME_60 NAME_60 NAME_60 "0123456789"

static const char *const names[] = {
	"a", "b", "d", "l", "new", NAME_60, NAME_250, "d2", "e", "..", ".",
};
#define N_NAMES       (sizeof(names) / sizeof(names[0]))
#define N_PLAIN_NAMES (N_NAMES - 2) /* without the dots */

static char path_made[100];
static int top, lower;
static struct stat outside_was[2];

const char *tree_name(unsigned int n)
{
	return names[n % N_PLAIN_NAMES];
}

const char *tree_name_or_dots(unsigned int n)
{
	return names[n % N_NAMES];
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	if (ftw->level)
		(void)remove(path);
	return 0;
}

static void make_file(int dir, const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert(fd >= 0);
	if (write(fd, text, strlen(text)) < 0)
		abort();
	close(fd);
}

void tree_fresh(void)
{
	char path[sizeof(path_made) + 8], name[8];
	int dir;

	snprintf(path, sizeof(path), "%s/lower", path_made);
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	make_file(lower, "a", "some text in a file\n");
	make_file(lower, "b", "");
	make_file(lower, NAME_60, "long");
	make_file(lower, NAME_250, "longer");
	assert(symlinkat("../outside/canary", lower, "l") == 0);
	assert(mkdirat(lower, "d", 0755) == 0 && mkdirat(lower, "d2", 0777) == 0);
	dir = openat(lower, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < 12; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		make_file(dir, name, name);
	}
	make_file(dir, "a", "another a");
	close(dir);
	fsetxattr(dir, "user.n", "v", 1, 0);
}

static void clean_up(void)
{
	nftw(path_made, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	rmdir(path_made);
}

int tree_make(void)
{
	const char *tmp = getenv("TMPDIR");
	int outside;

	snprintf(path_made, sizeof(path_made), "%s/penstock-fuzz-XXXXXX", tmp ? tmp : "/tmp");
	assert(mkdtemp(path_made));
	atexit(clean_up);
	top = open(path_made, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(mkdirat(top, "lower", 0777) == 0 && mkdirat(top, "outside", 0755) == 0);
	lower = openat(top, "lower", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	outside = openat(top, "outside", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	make_file(outside, "canary", "nobody writes here\n");
	assert(fstatat(outside, "canary", &outside_was[0], 0) == 0);
	assert(fstat(outside, &outside_was[1]) == 0);
	close(outside);
	tree_fresh();
	return lower;
}

static bool same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_mode == b->st_mode && a->st_nlink == b->st_nlink &&
	       a->st_uid == b->st_uid && a->st_size == b->st_size &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

void tree_check_outside(void)
{
	struct stat st[2];

	assert(fstatat(top, "outside/canary", &st[0], 0) == 0);
	assert(fstatat(top, "outside", &st[1], 0) == 0);
	assert(same(&st[0], &outside_was[0]) && same(&st[1], &outside_was[1]));
}
