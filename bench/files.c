// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Functions that figures share: they make hundreds of small files or one large file, run a program
 * to its end, and make the fixtures below a target before it is mounted.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

extern char **environ;

/* Without snprintf, which costs a tenth of a stat: timed code calls this function. */
const char *bench_name(char buf[16], char letter, unsigned int i)
{
	buf[0] = letter;
	buf[1] = '-';
	for (int at = 6; at > 1; at--, i /= 10)
		buf[at] = (char)('0' + i % 10);
	memcpy(buf + 7, ".dat", 5);
	return buf;
}

static int write_full(int fd, const char *data, size_t size)
{
	while (size > 0) {
		size_t step = size < BENCH_DATA_MAX ? size : BENCH_DATA_MAX;
		ssize_t n = write(fd, data, step);

		if (n < 0)
			return -errno;
		size -= (size_t)n;
	}
	return 0;
}

int bench_files_make(struct bench *b, char letter, size_t size)
{
	char name[16];

	for (unsigned int i = 0; i < BENCH_FILES; i++) {
		int fd = openat(b->dir_fd, bench_name(name, letter, i),
				O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
		int r;

		if (fd < 0)
			return -errno;
		r = write_full(fd, b->data, size);
		close(fd);
		if (r < 0)
			return r;
	}
	return 0;
}

int bench_files_remove(struct bench *b, char letter)
{
	char name[16];

	for (unsigned int i = 0; i < BENCH_FILES; i++)
		if (unlinkat(b->dir_fd, bench_name(name, letter, i), 0) < 0 && errno != ENOENT)
			return -errno;
	return 0;
}

int bench_file_make(struct bench *b, const char *name, size_t size, int flags)
{
	int fd, r;

	fd = openat(b->dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	if (fd < 0)
		return -errno;
	r = write_full(fd, b->data, size);
	close(fd);
	if (r < 0)
		return r;

	fd = openat(b->dir_fd, name, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int bench_spawn(char *const argv[])
{
	posix_spawn_file_actions_t actions;
	int r, status = 0;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	r = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (r != 0)
		return -r;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ECHILD;
}

int bench_fixture(struct bench *b)
{
	char *const unpack[] = { "tar", "-xf", (char *)b->tar, NULL };
	char path[32];

	if (mkdirat(b->root_fd, "big", 0755) < 0)
		return -errno;
	for (unsigned int i = 0; i < BENCH_BIG; i++) {
		int fd;

		snprintf(path, sizeof(path), "big/report-%05u.txt", i);
		fd = openat(b->root_fd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
		if (fd < 0)
			return -errno;
		close(fd);
	}
	return b->tar ? bench_spawn(unpack) : 0;
}
