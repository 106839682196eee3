// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * loops all DIR: measures operations in a new directory in DIR.
 * loops prepare DIR: makes files for "first".
 * loops first DIR: measures the first stat of each file. The caller mounts the view anew before.
 * loops time NAME COMMAND...: measures a command.
 *
 * Prints a line "NAME NANOSECONDS" for each figure and round, where NANOSECONDS is for one
 * operation. In an emulated machine that counts instructions a nanosecond is one instruction.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define N      300
#define ROUNDS 4
#define BIG    (32 << 20)
#define CHUNK  131072
#define PAGE   4096
#define DEPTH  8
#define CHECK(EXP)                                                                                 \
	do {                                                                                       \
		if (!(EXP)) {                                                                      \
			perror(#EXP);                                                              \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

static char buffer[CHUNK];
static int big;
static char *map;

static const char *name(const char *prefix, int i)
{
	static char text[64];

	snprintf(text, sizeof(text), "%s%d", prefix, i);
	return text;
}

static void create(void)
{
	for (int i = 0; i < N; i++) {
		int fd = open(name("f", i), O_CREAT | O_EXCL | O_WRONLY, 0644);

		CHECK(fd >= 0);
		CHECK(write(fd, buffer, 100) == 100);
		close(fd);
	}
}

static void stat_each(void)
{
	struct stat st;

	for (int i = 0; i < N; i++)
		CHECK(stat(name("f", i), &st) == 0);
}

static void stat_cached(void)
{
	for (int i = 0; i < 4; i++)
		stat_each();
}

static void stat_absent(void)
{
	struct stat st;

	for (int i = 0; i < N; i++)
		CHECK(stat(name("no", i), &st) != 0);
}

static void stat_deep(void)
{
	struct stat st;

	for (int i = 0; i < N; i++)
		CHECK(stat("d/d/d/d/d/d/d/d", &st) == 0);
}

static void open_read_close(void)
{
	for (int i = 0; i < N; i++) {
		int fd = open(name("f", i), O_RDONLY);

		CHECK(fd >= 0);
		CHECK(read(fd, buffer, PAGE) == 100);
		close(fd);
	}
}

static void write_fstat(void)
{
	int fd = open("f0", O_WRONLY);
	struct stat st;

	CHECK(fd >= 0);
	for (int i = 0; i < N; i++) {
		CHECK(pwrite(fd, buffer, 100, 0) == 100);
		CHECK(fstat(fd, &st) == 0);
	}
	close(fd);
}

static void list(void)
{
	DIR *dir = opendir(".");

	CHECK(dir);
	while (readdir(dir))
		;
	closedir(dir);
}

static void list_stat(void)
{
	DIR *dir = opendir(".");
	struct dirent *e;
	struct stat st;

	CHECK(dir);
	while ((e = readdir(dir)))
		CHECK(fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0);
	closedir(dir);
}

static void change_mode(void)
{
	for (int i = 0; i < N; i++)
		CHECK(chmod(name("f", i), 0600) == 0);
}

static void rename_files(void)
{
	for (int i = 0; i < N; i++) {
		char old[64];

		strcpy(old, name("f", i));
		CHECK(rename(old, name("g", i)) == 0);
	}
}

static void link_unlink(void)
{
	for (int i = 0; i < N; i++) {
		CHECK(link(name("g", i), "link") == 0);
		CHECK(unlink("link") == 0);
	}
}

static void set_xattr(void)
{
	for (int i = 0; i < N; i++)
		CHECK(setxattr(name("g", i), "user.k", "v", 1, 0) == 0);
}

static void get_xattr(void)
{
	for (int i = 0; i < N; i++)
		CHECK(getxattr(name("g", i), "user.k", buffer, 16) == 1);
}

static void unlink_files(void)
{
	for (int i = 0; i < N; i++)
		CHECK(unlink(name("g", i)) == 0);
}

static void mkdir_rmdir(void)
{
	for (int i = 0; i < N; i++) {
		CHECK(mkdir(name("d", i), 0755) == 0);
		CHECK(rmdir(name("d", i)) == 0);
	}
}

static void symlink_readlink_unlink(void)
{
	for (int i = 0; i < N; i++) {
		CHECK(symlink("target", "s") == 0);
		CHECK(readlink("s", buffer, 9) == 6);
		CHECK(unlink("s") == 0);
	}
}

static off_t scattered(int i)
{
	return (off_t)(i * 7919L % (BIG / PAGE)) * PAGE;
}

static void read_4k(void)
{
	for (int i = 0; i < 8 * N; i++)
		CHECK(pread(big, buffer, PAGE, scattered(i)) == PAGE);
}

static void write_4k(void)
{
	for (int i = 0; i < 8 * N; i++)
		CHECK(pwrite(big, buffer, PAGE, scattered(i)) == PAGE);
}

static void read_128k(void)
{
	for (int i = 0; i < BIG / CHUNK; i++)
		CHECK(pread(big, buffer, CHUNK, (off_t)i * CHUNK) == CHUNK);
}

static void write_128k(void)
{
	for (int i = 0; i < BIG / CHUNK; i++)
		CHECK(pwrite(big, buffer, CHUNK, (off_t)i * CHUNK) == CHUNK);
}

static void append(void)
{
	int fd = open("log", O_CREAT | O_WRONLY | O_APPEND, 0644);

	CHECK(fd >= 0);
	for (int i = 0; i < 4 * N; i++)
		CHECK(write(fd, buffer, 100) == 100);
	close(fd);
}

static void map_read(void)
{
	volatile char x;

	for (int i = 0; i < BIG / PAGE; i++)
		x = map[(size_t)i * PAGE];
	(void)x;
}

static void map_write(void)
{
	for (int i = 0; i < BIG / PAGE; i++)
		map[(size_t)i * PAGE] = 1;
}

static const struct figure {
	const char *name;
	unsigned int n; /* operations */
	void (*run)(void);
} figures[] = {
	{ "create", N, create },
	{ "stat", 4 * N, stat_cached },
	/* Filters by caller have decided about all names. */
	{ "stat-again", 4 * N, stat_cached },
	{ "stat-absent", N, stat_absent },
	{ "stat-deep", N *DEPTH, stat_deep },
	{ "open-read-close", N, open_read_close },
	{ "write-fstat", N, write_fstat },
	{ "readdir", N, list },
	{ "readdir-stat", N, list_stat },
	{ "chmod", N, change_mode },
	{ "rename", N, rename_files },
	{ "link-unlink", N, link_unlink },
	{ "setxattr", N, set_xattr },
	{ "getxattr", N, get_xattr },
	{ "unlink", N, unlink_files },
	{ "mkdir-rmdir", N, mkdir_rmdir },
	{ "symlink-readlink-unlink", N, symlink_readlink_unlink },
	{ "read-4k", 8 * N, read_4k },
	{ "write-4k", 8 * N, write_4k },
	{ "read-128k", BIG / CHUNK, read_128k },
	{ "write-128k", BIG / CHUNK, write_128k },
	{ "append-100", 4 * N, append },
	{ "mmap-read", BIG / PAGE, map_read },
	{ "mmap-write", BIG / PAGE, map_write },
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void measure(const char *figure, unsigned int n, void (*run)(void))
{
	double start;

	start = now();
	run();
	start = now() - start;
	printf("%s %.1f\n", figure, start / n);
	fflush(stdout);
}

static void enter(const char *dir, const char *sub)
{
	CHECK(chdir(dir) == 0);
	CHECK(mkdir(sub, 0755) == 0);
	CHECK(chdir(sub) == 0);
}

static int all(const char *dir)
{
	CHECK(chdir(dir) == 0);
	for (int round = 0; round < ROUNDS; round++) {
		enter(".", name("round", round));
		big = open("big", O_CREAT | O_RDWR, 0644);
		for (int i = 0; i < BIG / CHUNK; i++)
			CHECK(write(big, buffer, CHUNK) == CHUNK);
		map = mmap(NULL, BIG, PROT_READ | PROT_WRITE, MAP_SHARED, big, 0);
		CHECK(map != MAP_FAILED);
		for (int i = 0; i < DEPTH; i++)
			CHECK(mkdir("d", 0755) == 0 && chdir("d") == 0);
		for (int i = 0; i < DEPTH; i++)
			CHECK(chdir("..") == 0);
		/* After two looks the kernel has all of it in its caches. */
		stat_absent();
		stat_absent();
		for (unsigned int i = 0; i < sizeof(figures) / sizeof(*figures); i++)
			measure(figures[i].name, figures[i].n, figures[i].run);
		munmap(map, BIG);
		close(big);
		CHECK(unlink("big") == 0 && unlink("log") == 0 && chdir("..") == 0);
	}
	return 0;
}

static int prepare(const char *dir)
{
	enter(dir, "first");
	create();
	return 0;
}

static int first(const char *dir)
{
	CHECK(chdir(dir) == 0 && chdir("first") == 0);
	measure("first-look", N, stat_each);
	measure("first-absent", N, stat_absent);
	return 0;
}

static int run_command(const char *figure, char **command)
{
	double start = now();
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		execvp(command[0], command);
		_exit(127);
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
	printf("%s %.0f\n", figure, now() - start);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "all") == 0)
		return all(argv[2]);
	if (argc == 3 && strcmp(argv[1], "prepare") == 0)
		return prepare(argv[2]);
	if (argc == 3 && strcmp(argv[1], "first") == 0)
		return first(argv[2]);
	if (argc > 3 && strcmp(argv[1], "time") == 0)
		return run_command(argv[2], argv + 3);
	fprintf(stderr, "usage: loops all|prepare|first DIR; loops time NAME COMMAND...\n");
	return 2;
}
