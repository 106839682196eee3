// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Figures about a file's metadata: attributes, targets of symbolic links, extended attributes, and
 * open and close. Each figure takes the small files in turn, so that no operation repeats the one
 * before it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "bench.h"

static int setup_files(struct bench *b)
{
	return bench_files_make(b, 'f', BENCH_SMALL_SIZE);
}

static int run_stat(struct bench *b)
{
	struct stat st;
	char name[16];

	for (unsigned int i = 0; i < BENCH_FILES; i++)
		if (fstatat(b->dir_fd, bench_name(name, 'f', i), &st, 0) < 0)
			return -errno;
	return 0;
}

static int run_stat_absent(struct bench *b)
{
	struct stat st;
	char name[16];

	for (unsigned int i = 0; i < BENCH_FILES; i++) {
		if (fstatat(b->dir_fd, bench_name(name, 'x', i), &st, 0) == 0)
			return -EEXIST;
		if (errno != ENOENT)
			return -errno;
	}
	return 0;
}

static int run_open_read_close(struct bench *b)
{
	char name[16];

	for (unsigned int i = 0; i < BENCH_FILES; i++) {
		int fd = openat(b->dir_fd, bench_name(name, 'f', i), O_RDONLY | O_CLOEXEC);
		ssize_t n;

		if (fd < 0)
			return -errno;
		n = read(fd, b->data, 4096);
		close(fd);
		if (n != BENCH_SMALL_SIZE)
			return n < 0 ? -errno : -EIO;
	}
	return 0;
}

static int setup_write_fstat(struct bench *b)
{
	b->fd = bench_file_make(b, "file", 4096, O_WRONLY);
	return b->fd < 0 ? b->fd : 0;
}

static int run_write_fstat(struct bench *b)
{
	struct stat st;

	for (unsigned int i = 0; i < b->figure->n; i++) {
		if (pwrite(b->fd, b->data, b->figure->block, 0) < 0)
			return -errno;
		if (fstat(b->fd, &st) < 0)
			return -errno;
	}
	return 0;
}

static int run_chmod(struct bench *b)
{
	mode_t mode = b->flip & 1 ? 0644 : 0600;
	char name[16];

	for (unsigned int i = 0; i < BENCH_FILES; i++)
		if (fchmodat(b->dir_fd, bench_name(name, 'f', i), mode, 0) < 0)
			return -errno;
	return 0;
}

static int run_utimens(struct bench *b)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = 1700000000 } };
	char name[16];

	times[1].tv_nsec = (long)b->flip;
	for (unsigned int i = 0; i < BENCH_FILES; i++)
		if (utimensat(b->dir_fd, bench_name(name, 'f', i), times, 0) < 0)
			return -errno;
	return 0;
}

static int run_symlink(struct bench *b)
{
	char name[16];

	for (unsigned int i = 0; i < BENCH_FILES; i++)
		if (symlinkat("../some/where/else.txt", b->dir_fd, bench_name(name, 'l', i)) < 0)
			return -errno;
	return 0;
}

static int after_symlink(struct bench *b)
{
	return bench_files_remove(b, 'l');
}

static int run_readlink(struct bench *b)
{
	char name[16], target[64];

	for (unsigned int i = 0; i < BENCH_FILES; i++)
		if (readlinkat(b->dir_fd, bench_name(name, 'l', i), target, sizeof(target)) < 0)
			return -errno;
	return 0;
}

/* Extended attributes by path: the working directory is the run's, as bench.h says. */
static int run_setxattr(struct bench *b)
{
	char name[16], value[32] = "";

	value[0] = b->flip & 1 ? 'a' : 'b';
	for (unsigned int i = 0; i < BENCH_FILES; i++)
		if (setxattr(bench_name(name, 'f', i), "user.bench", value, sizeof(value), 0) < 0)
			return -errno;
	return 0;
}

static int setup_xattrs(struct bench *b)
{
	int r = setup_files(b);

	return r < 0 ? r : run_setxattr(b);
}

static int run_getxattr(struct bench *b)
{
	char name[16], value[32];

	(void)b;
	for (unsigned int i = 0; i < BENCH_FILES; i++)
		if (getxattr(bench_name(name, 'f', i), "user.bench", value, sizeof(value)) < 0)
			return -errno;
	return 0;
}

/* `ls -l` and `cp -p` ask for the ACL of every file; nearly no file has one. */
static int run_getxattr_acl(struct bench *b)
{
	char name[16], value[64];

	(void)b;
	for (unsigned int i = 0; i < BENCH_FILES; i++) {
		if (getxattr(bench_name(name, 'f', i), "system.posix_acl_access", value,
			     sizeof(value)) >= 0)
			return -EEXIST;
		if (errno != ENODATA && errno != EOPNOTSUPP)
			return -errno;
	}
	return 0;
}

const struct figure meta_figures[] = {
	{ "stat", "stat", "stat of a known file, again and again", 0, BENCH_FILES, 0, setup_files,
	  NULL, run_stat, NULL, NULL },
	{ "stat-absent", "stat", "stat of an absent name, again and again", 0, BENCH_FILES, 0,
	  setup_files, NULL, run_stat_absent, NULL, NULL },
	{ "open-read-close", "file", "open, read 1 KiB, close", 0, BENCH_FILES, 0, setup_files,
	  NULL, run_open_read_close, NULL, NULL },
	{ "write-fstat", "pair", "write 100 bytes in place, then fstat", 0, 1000, 100,
	  setup_write_fstat, NULL, run_write_fstat, NULL, NULL },
	{ "chmod", "chmod", "chmod to a new mode", 0, BENCH_FILES, 0, setup_files, NULL, run_chmod,
	  NULL, NULL },
	{ "utimens", "utimensat", "set the modification time", 0, BENCH_FILES, 0, setup_files, NULL,
	  run_utimens, NULL, NULL },
	{ "symlink", "symlink", "make a symbolic link", 0, BENCH_FILES, 0, NULL, NULL, run_symlink,
	  after_symlink, NULL },
	{ "readlink", "readlink", "read a symbolic link, again and again", 0, BENCH_FILES, 0,
	  run_symlink, NULL, run_readlink, NULL, NULL },
	{ "setxattr", "setxattr", "set an extended attribute of 32 bytes", 0, BENCH_FILES, 0,
	  setup_xattrs, NULL, run_setxattr, NULL, NULL },
	{ "getxattr", "getxattr", "get an extended attribute of 32 bytes", 0, BENCH_FILES, 0,
	  setup_xattrs, NULL, run_getxattr, NULL, NULL },
	{ "getxattr-acl", "getxattr", "read the ACL of a file that has none", 0, BENCH_FILES, 0,
	  setup_files, NULL, run_getxattr_acl, NULL, NULL },
	{ 0 },
};
