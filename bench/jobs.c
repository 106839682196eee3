// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Figures that are whole programs as people use them: start a program, unpack a source tree,
 * delete it, search it, run git status. The time includes the program's own work.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"

/* A copy of this program; with --nothing it ends at once. */
static int setup_exec(struct bench *b)
{
	struct stat st;
	int from, to, r = 0;

	from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (from < 0)
		return -errno;
	to = openat(b->dir_fd, "program", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	if (to < 0 || fstat(from, &st) < 0)
		r = -errno;
	for (off_t left = r == 0 ? st.st_size : 0; left > 0;) {
		ssize_t n = sendfile(to, from, NULL, (size_t)left);

		if (n <= 0) {
			r = n < 0 ? -errno : -EIO;
			break;
		}
		left -= n;
	}
	if (to >= 0)
		close(to);
	close(from);
	return r;
}

static int run_exec(struct bench *b)
{
	char *const argv[] = { "./program", "--nothing", NULL };

	for (unsigned int i = 0; i < b->figure->n; i++) {
		int r = bench_spawn(argv);

		if (r < 0)
			return r;
	}
	return 0;
}

static int unpack(struct bench *b)
{
	char *const argv[] = { "tar", "-xf", (char *)b->tar, NULL };

	return b->tar ? bench_spawn(argv) : -ENOENT;
}

static int delete (struct bench *b)
{
	char *const argv[] = { "rm", "-rf", "tree", NULL };

	(void)b;
	return bench_spawn(argv);
}

/* Searches by size, so that find calls stat on every file. */
static int run_find(struct bench *b)
{
	char *const argv[] = { "find", "../tree", "-name", ".git",   "-prune",
			       "-o",   "-size",   "+64k",  "-print", NULL };

	(void)b;
	return bench_spawn(argv);
}

static int setup_find(struct bench *b)
{
	return run_find(b);
}

static int run_git_status(struct bench *b)
{
	char *const argv[] = { "git", "-C", "../tree", "status", "--short", NULL };

	(void)b;
	return bench_spawn(argv);
}

/* The first git status stores the inode numbers and times of this target; later ones use them. */
static int setup_git_status(struct bench *b)
{
	int r = run_git_status(b);

	return r < 0 ? r : run_git_status(b);
}

const struct figure job_figures[] = {
	{ "exec", "program", "start a small static program and wait for it", 0, 50, 0, setup_exec,
	  NULL, run_exec, NULL, NULL },
	{ "unpack", "tree", "tar -x of a source tree of 3,000 files", FIGURE_JOB, 1, 0, NULL, NULL,
	  unpack, delete, NULL },
	{ "delete", "tree", "rm -r of the same tree", FIGURE_JOB, 1, 0, NULL, unpack, delete, NULL,
	  NULL },
	{ "find-first", "tree", "find by size over that tree, first time after mounting",
	  FIGURE_JOB | FIGURE_COLD, 1, 0, NULL, NULL, run_find, NULL, NULL },
	{ "find", "tree", "find by size over that tree, again and again", FIGURE_JOB, 1, 0,
	  setup_find, NULL, run_find, NULL, NULL },
	{ "git-status", "tree", "git status of that tree, nothing changed", FIGURE_JOB | FIGURE_GIT,
	  1, 0, setup_git_status, NULL, run_git_status, NULL, NULL },
	{ 0 },
};
