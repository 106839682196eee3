// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Figures about directories: making, removing and renaming names, and listings. Each pass makes or
 * removes a whole set of names, so that a directory has the same size at every pass on every
 * target.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"

static int run_create(struct bench *b)
{
	return bench_files_make(b, 'c', 0);
}

static int after_create(struct bench *b)
{
	return bench_files_remove(b, 'c');
}

static int make_files(struct bench *b)
{
	return bench_files_make(b, 'f', 0);
}

static int run_unlink(struct bench *b)
{
	char name[16];

	for (unsigned int i = 0; i < BENCH_FILES; i++)
		if (unlinkat(b->dir_fd, bench_name(name, 'f', i), 0) < 0)
			return -errno;
	return 0;
}

static int run_rename(struct bench *b)
{
	char from = b->flip & 1 ? 'r' : 'f', to = b->flip & 1 ? 'f' : 'r';
	char name[16], new_name[16];

	for (unsigned int i = 0; i < BENCH_FILES; i++)
		if (renameat(b->dir_fd, bench_name(name, from, i), b->dir_fd,
			     bench_name(new_name, to, i)) < 0)
			return -errno;
	return 0;
}

static int run_link_unlink(struct bench *b)
{
	char name[16], new_name[16];

	for (unsigned int i = 0; i < BENCH_FILES; i++) {
		bench_name(name, 'f', i);
		bench_name(new_name, 'k', i);
		if (linkat(b->dir_fd, name, b->dir_fd, new_name, 0) < 0)
			return -errno;
		if (unlinkat(b->dir_fd, new_name, 0) < 0)
			return -errno;
	}
	return 0;
}

static int run_mkdir_rmdir(struct bench *b)
{
	char name[16];

	for (unsigned int i = 0; i < BENCH_FILES; i++) {
		bench_name(name, 'd', i);
		if (mkdirat(b->dir_fd, name, 0755) < 0)
			return -errno;
		if (unlinkat(b->dir_fd, name, AT_REMOVEDIR) < 0)
			return -errno;
	}
	return 0;
}

static int setup_big(struct bench *b)
{
	b->fd = openat(b->root_fd, "big", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return b->fd < 0 ? -errno : 0;
}

/* Lists big/ from the beginning, over a new open each time, as ls does. */
static int list_big(struct bench *b, int with_stat)
{
	const struct dirent *entry;
	unsigned int n = 0;
	struct stat st;
	int fd, r = 0;
	DIR *dir;

	fd = openat(b->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return -ENOMEM;
	}
	while (r == 0 && (errno = 0, entry = readdir(dir)) != NULL) {
		n += entry->d_name[0] != '.';
		if (with_stat && fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			r = -errno;
	}
	if (r == 0 && errno != 0)
		r = -errno;
	closedir(dir);
	if (r == 0 && n != BENCH_BIG)
		r = -EIO;
	return r;
}

static int run_readdir(struct bench *b)
{
	return list_big(b, 0);
}

static int run_readdir_stat(struct bench *b)
{
	return list_big(b, 1);
}

const struct figure name_figures[] = {
	{ "create", "file", "create an empty file and close it", 0, BENCH_FILES, 0, NULL, NULL,
	  run_create, after_create, NULL },
	{ "unlink", "file", "remove a file", 0, BENCH_FILES, 0, NULL, make_files, run_unlink, NULL,
	  NULL },
	{ "rename", "rename", "rename a file within its directory", 0, BENCH_FILES, 0, make_files,
	  NULL, run_rename, NULL, NULL },
	{ "link-unlink", "pair", "make a hard link and remove it", 0, BENCH_FILES, 0, make_files,
	  NULL, run_link_unlink, NULL, NULL },
	{ "mkdir-rmdir", "pair", "make a directory and remove it", 0, BENCH_FILES, 0, NULL, NULL,
	  run_mkdir_rmdir, NULL, NULL },
	{ "readdir-first", "name", "list 10,000 names, first time after mounting", FIGURE_COLD,
	  BENCH_BIG, 0, setup_big, NULL, run_readdir, NULL, NULL },
	{ "readdir", "name", "list 10,000 names, again and again", 0, BENCH_BIG, 0, setup_big, NULL,
	  run_readdir, NULL, NULL },
	{ "readdir-stat-first", "name", "list and stat 10,000 names, first time after mounting",
	  FIGURE_COLD, BENCH_BIG, 0, setup_big, NULL, run_readdir_stat, NULL, NULL },
	{ "readdir-stat", "name", "list and stat 10,000 names, again and again", 0, BENCH_BIG, 0,
	  setup_big, NULL, run_readdir_stat, NULL, NULL },
	{ 0 },
};
