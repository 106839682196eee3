// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Figures about the content of a file: 32 MiB in the page cache, so that they measure the path to
 * the data and not a disk. Writes go to blocks that exist already, except for append.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"

enum { PAGE = 4096, N_PAGES = BENCH_FILE_SIZE / PAGE };

static int setup_file(struct bench *b)
{
	b->fd = bench_file_make(b, "file", BENCH_FILE_SIZE, O_RDWR);
	return b->fd < 0 ? b->fd : 0;
}

static int run_read(struct bench *b)
{
	for (unsigned int i = 0; i < b->figure->n; i++) {
		ssize_t n =
			pread(b->fd, b->data, b->figure->block, (off_t)i * (off_t)b->figure->block);

		if (n != (ssize_t)b->figure->block)
			return n < 0 ? -errno : -EIO;
	}
	return 0;
}

static int run_write(struct bench *b)
{
	for (unsigned int i = 0; i < b->figure->n; i++) {
		ssize_t n = pwrite(b->fd, b->data, b->figure->block,
				   (off_t)i * (off_t)b->figure->block);

		if (n != (ssize_t)b->figure->block)
			return n < 0 ? -errno : -EIO;
	}
	return 0;
}

/* Returns the next offset, by xorshift: the same offsets on every target, at nearly no cost. */
static off_t next_place(struct bench *b)
{
	uint64_t x = b->seed;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	b->seed = x;
	return (off_t)(x % (BENCH_FILE_SIZE / b->figure->block) * b->figure->block);
}

static int run_random_read(struct bench *b)
{
	for (unsigned int i = 0; i < b->figure->n; i++) {
		ssize_t n = pread(b->fd, b->data, b->figure->block, next_place(b));

		if (n != (ssize_t)b->figure->block)
			return n < 0 ? -errno : -EIO;
	}
	return 0;
}

static int run_random_write(struct bench *b)
{
	for (unsigned int i = 0; i < b->figure->n; i++) {
		ssize_t n = pwrite(b->fd, b->data, b->figure->block, next_place(b));

		if (n != (ssize_t)b->figure->block)
			return n < 0 ? -errno : -EIO;
	}
	return 0;
}

static int setup_append(struct bench *b)
{
	b->fd = bench_file_make(b, "log", 0, O_WRONLY | O_APPEND);
	return b->fd < 0 ? b->fd : 0;
}

static int run_append(struct bench *b)
{
	for (unsigned int i = 0; i < b->figure->n; i++)
		if (write(b->fd, b->data, b->figure->block) != (ssize_t)b->figure->block)
			return -errno;
	return 0;
}

static int after_append(struct bench *b)
{
	return ftruncate(b->fd, 0) < 0 ? -errno : 0;
}

/* A new mapping for each pass, so that every page faults once in each. */
static int map_file(struct bench *b)
{
	b->map = mmap(NULL, BENCH_FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, b->fd, 0);
	if (b->map == MAP_FAILED) {
		b->map = NULL;
		return -errno;
	}
	return 0;
}

static int unmap_file(struct bench *b)
{
	if (b->map)
		munmap(b->map, BENCH_FILE_SIZE);
	b->map = NULL;
	return 0;
}

static int run_map_read(struct bench *b)
{
	const volatile char *map = b->map;
	unsigned int sum = 0;

	for (unsigned int i = 0; i < N_PAGES; i++)
		sum += (unsigned char)map[(size_t)i * PAGE];
	b->data[0] = (char)sum;
	return 0;
}

static int run_map_write(struct bench *b)
{
	volatile char *map = b->map;

	for (unsigned int i = 0; i < N_PAGES; i++)
		map[(size_t)i * PAGE] = (char)b->flip;
	return 0;
}

static int run_fsync(struct bench *b)
{
	for (unsigned int i = 0; i < b->figure->n; i++) {
		if (pwrite(b->fd, b->data, b->figure->block, next_place(b)) < 0)
			return -errno;
		if (fsync(b->fd) < 0)
			return -errno;
	}
	return 0;
}

static int setup_copy(struct bench *b)
{
	int r = setup_file(b);

	if (r < 0)
		return r;
	b->fd2 = bench_file_make(b, "copy", BENCH_FILE_SIZE, O_RDWR);
	return b->fd2 < 0 ? b->fd2 : 0;
}

static int run_copy(struct bench *b)
{
	off64_t from = 0, to = 0;

	for (unsigned int i = 0; i < b->figure->n; i++) {
		size_t left = b->figure->block;

		while (left > 0) {
			ssize_t n = copy_file_range(b->fd, &from, b->fd2, &to, left, 0);

			if (n <= 0)
				return n < 0 ? -errno : -EIO;
			left -= (size_t)n;
		}
	}
	return 0;
}

#define DATA_FIGURE(name, what, block, run)                                                        \
	{                                                                                          \
		name, "call", what, 0, BENCH_FILE_SIZE / (block), block, setup_file, NULL, run,    \
			NULL, NULL                                                                 \
	}
#define MAP_FIGURE(name, what, run)                                                                \
	{                                                                                          \
		name, "page", what, 0, N_PAGES, PAGE, setup_file, map_file, run, unmap_file,       \
			unmap_file                                                                 \
	}

const struct figure data_figures[] = {
	DATA_FIGURE("seq-read-128k", "read the file from front to end, 128 KiB at a time", 131072,
		    run_read),
	DATA_FIGURE("seq-read-4k", "read the file from front to end, 4 KiB at a time", 4096,
		    run_read),
	DATA_FIGURE("rand-read-128k", "read 128 KiB anywhere", 131072, run_random_read),
	DATA_FIGURE("rand-read-4k", "read 4 KiB anywhere", 4096, run_random_read),
	DATA_FIGURE("seq-write-128k", "write over the file from front to end, 128 KiB at a time",
		    131072, run_write),
	DATA_FIGURE("seq-write-4k", "write over the file from front to end, 4 KiB at a time", 4096,
		    run_write),
	DATA_FIGURE("rand-write-128k", "write over 128 KiB anywhere", 131072, run_random_write),
	DATA_FIGURE("rand-write-4k", "write over 4 KiB anywhere", 4096, run_random_write),
	{ "append-100", "write", "append 100 bytes to an open file", 0, 10000, 100, setup_append,
	  NULL, run_append, after_append, NULL },
	MAP_FIGURE("mmap-read", "load from each page of a new shared mapping", run_map_read),
	MAP_FIGURE("mmap-write", "store to each page of a new shared mapping", run_map_write),
	{ "fsync", "pair", "write 4 KiB anywhere, then fsync", 0, 50, 4096, setup_file, NULL,
	  run_fsync, NULL, NULL },
	{ "copy-range-1m", "call", "copy_file_range of 1 MiB between two files", 0,
	  BENCH_FILE_SIZE >> 20, 1 << 20, setup_copy, NULL, run_copy, NULL, NULL },
	{ 0 },
};
