// SPDX-License-Identifier: LGPL-2.1-or-later
/* Reads and writes, one call at a time: every call, flag, vector and offset. */
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "parity.h"

/* Volatile, so that the compiler does not warn about NULL and invalid pointers. */
static void *volatile nothing = NULL, *volatile nowhere = (void *)8;
static volatile int minus_one = -1;

static void basics(struct side *s)
{
	unsigned char *out = pattern(300000, 1), *in = pattern(300000, 2);
	int fd = FD(s, openat(s->dir, "f", O_CREAT | O_RDWR, 0644));

	DO(s, write(fd, out, 100000));
	DO(s, write(fd, out, 1));
	DO(s, lseek(fd, 0, SEEK_CUR));
	DO(s, lseek(fd, 50, SEEK_SET));
	note_data(s, "read", in, read(fd, in, 1000));
	DO(s, read(fd, in, 300000));
	DO(s, read(fd, in, 1));
	DO(s, pwrite(fd, out, 300000, 4095));
	DO(s, pread(fd, in, 300000, 10));
	note_data(s, "pread", in, 300000);
	DO(s, pread(fd, in, 100, 400000));
	DO(s, pread(fd, in, 100, -1));
	DO(s, pwrite(fd, in, 100, -1));
	DO(s, read(fd, nothing, 10));
	DO(s, pread(fd, nothing, 10, 0));
	DO(s, pwrite(fd, nothing, 10, 0));
	DO(s, pread(fd, nowhere, 10, 0));
	DO(s, lseek(fd, 0, SEEK_END));
	DO(s, lseek(fd, -10, SEEK_END));
	DO(s, lseek(fd, -10, SEEK_SET));
	DO(s, lseek(fd, 0, 99));
	note_content(s, "f");
	int ro = FD(s, openat(s->dir, "f", O_RDONLY)), wo = FD(s, openat(s->dir, "f", O_WRONLY));
	DO(s, write(ro, out, 1));
	DO(s, read(wo, in, 1));
	DO(s, pread(ro, in, 10, 0));
	DO(s, pwrite(wo, out, 10, 0));
	note_content(s, "f");
}

/* Offsets beyond the limit of the lower file system. */
static void too_far(struct side *s)
{
	int fd = openat(s->dir, "f", O_CREAT | O_RDWR, 0644);

	DO(s, pwrite(fd, "x", 1, 1LL << 45));
	DO(s, pwrite(fd, "x", 1, INT64_MAX - 1));
	DO(s, ftruncate(fd, 1LL << 45));
	note_stat(s, fd, "");
	/* Shortens the file, so that the comparison does not read all of it. */
	DO(s, ftruncate(fd, 0));
}

static void seek_too_far(struct side *s)
{
	int fd = openat(s->dir, "f", O_CREAT | O_RDWR, 0644);

	DO(s, lseek(fd, INT64_MAX, SEEK_SET));
	DO(s, lseek(fd, 1LL << 45, SEEK_SET));
}

static void sizes(struct side *s)
{
	static const size_t lengths[] = { 0,      1,       511,     512,    513,   4095,
					  4096,   4097,    65535,   65536,  65537, 131072,
					  262143, 1048576, 1048577, 3000001 };
	unsigned char *out = pattern(3000001, 3), *in = pattern(3000001, 4);
	int fd = openat(s->dir, "f", O_CREAT | O_RDWR, 0644);

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		for (off_t at = 0; at <= 8191; at = at == 0 ? 1 : at == 1 ? 4095 : at + 4096) {
			MUST(ftruncate(fd, 0) == 0);
			note(s, "%zu at %ld", lengths[i], (long)at);
			DO(s, pwrite(fd, out, lengths[i], at));
			note_data(s, "back", in, pread(fd, in, 3000001, 0));
		}
}

static void holes(struct side *s)
{
	unsigned char *in = pattern(200000, 5);
	int fd = openat(s->dir, "f", O_CREAT | O_RDWR, 0644);

	DO(s, pwrite(fd, "begin", 5, 0));
	DO(s, pwrite(fd, "end", 3, 1000000));
	note_data(s, "hole", in, pread(fd, in, 200000, 100));
	DO(s, lseek(fd, 0, SEEK_HOLE));
	DO(s, lseek(fd, 0, SEEK_DATA));
	DO(s, lseek(fd, 8192, SEEK_DATA));
	DO(s, lseek(fd, 999000, SEEK_HOLE));
	DO(s, lseek(fd, 999000, SEEK_DATA));
	DO(s, lseek(fd, 1000003, SEEK_DATA));
	DO(s, lseek(fd, 1000003, SEEK_HOLE));
	DO(s, lseek(fd, 2000000, SEEK_HOLE));
	DO(s, lseek(fd, -1, SEEK_DATA));
	DO(s, lseek(fd, 0, SEEK_CUR));
	MUST(ftruncate(fd, 5000000) == 0);
	DO(s, lseek(fd, 1000003, SEEK_DATA));
	DO(s, lseek(fd, 0, SEEK_END));
	note_content(s, "f");
	int d = openat(s->dir, ".", O_RDONLY);
	DO(s, lseek(d, 0, SEEK_SET));
}

static void fallocates(struct side *s)
{
	static const struct {
		const char *name;
		int mode;
	} rows[] = {
		{ "plain", 0 },
		{ "keep", FALLOC_FL_KEEP_SIZE },
		{ "punch", FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE },
		{ "punch without keep", FALLOC_FL_PUNCH_HOLE },
		{ "zero", FALLOC_FL_ZERO_RANGE },
		{ "zero keep", FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE },
		{ "unknown", 0x4000 },
	};
	unsigned char *out = pattern(100000, 6);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char name[32];

		snprintf(name, sizeof(name), "f%zu", i);
		int fd = openat(s->dir, name, O_CREAT | O_RDWR, 0644);
		MUST(write(fd, out, 100000) == 100000);
		note(s, "%s", rows[i].name);
		DO(s, fallocate(fd, rows[i].mode, 10000, 20000));
		note_content(s, name);
		DO(s, fallocate(fd, rows[i].mode, 90000, 50000));
		note_content(s, name);
		DO(s, fallocate(fd, rows[i].mode, 200000, 4096));
		note_stat(s, fd, "");
		DO(s, fallocate(fd, rows[i].mode, 0, 0));
		DO(s, fallocate(fd, rows[i].mode, -1, 10));
		DO(s, fallocate(fd, rows[i].mode, 0, -10));
		DO(s, fallocate(fd, rows[i].mode, INT64_MAX - 10, 100));
		close(fd);
	}
	int ro = openat(s->dir, "f0", O_RDONLY);
	DO(s, fallocate(ro, 0, 0, 10));
	int d = openat(s->dir, ".", O_RDONLY);
	DO(s, fallocate(d, 0, 0, 10));
}

/* The kernel's FUSE refuses these flags itself; see "limits". */
static void fallocate_moving(struct side *s)
{
	unsigned char *out = pattern(100000, 6);
	int fd = openat(s->dir, "f", O_CREAT | O_RDWR, 0644);

	MUST(write(fd, out, 100000) == 100000);
	DO(s, fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 4096, 4096));
	DO(s, fallocate(fd, FALLOC_FL_INSERT_RANGE, 4096, 4096));
	note_content(s, "f");
}

static void vectors(struct side *s)
{
	static const int counts[] = { 0, 1, 2, 3, 16, 100, 1023, 1024, 1025 };
	unsigned char *out = pattern(1 << 21, 8), *in = pattern(1 << 21, 9);
	struct iovec v[1025];
	int fd = openat(s->dir, "f", O_CREAT | O_RDWR, 0644);

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		size_t total = 0;

		MUST(ftruncate(fd, 0) == 0);
		for (int j = 0; j < counts[i]; j++) {
			/* Segments of every length, also empty ones, at odd addresses. */
			v[j] = (struct iovec){ out + total + (j % 3 ? 0 : 1), (j * 131) % 1999 };
			total += v[j].iov_len;
		}
		note(s, "%d segments, %zu bytes", counts[i], total);
		DO(s, pwritev(fd, v, counts[i], 3));
		for (int j = 0; j < counts[i]; j++)
			v[j].iov_base = in + ((unsigned char *)v[j].iov_base - out);
		DO(s, preadv(fd, v, counts[i], 3));
		note_data(s, "read into them", in, total);
		DO(s, lseek(fd, 0, SEEK_SET));
		DO(s, writev(fd, v, counts[i]));
		DO(s, lseek(fd, 0, SEEK_SET));
		DO(s, readv(fd, v, counts[i]));
		note_content(s, "f");
	}
	v[0] = (struct iovec){ out, (size_t)minus_one };
	DO(s, writev(fd, v, 1));
	DO(s, writev(fd, v, minus_one));
}

/* If the caller's memory ends in the middle, the call transfers the part before. */
static void vectors_faulting(struct side *s)
{
	struct iovec v[2];
	unsigned char *out = pattern(4096, 8);
	int fd = openat(s->dir, "f", O_CREAT | O_RDWR, 0644);

	v[0] = (struct iovec){ out, 10 };
	v[1] = (struct iovec){ nowhere, 10 };
	DO(s, pwritev(fd, v, 2, 0));
	note_content(s, "f");
}

static const struct scenario scenarios[] = {
	{ "basics", basics, S_PASSED },
	{ "too-far", too_far, 0 },
	{ "seek-too-far", seek_too_far, 0 },
	{ "sizes", sizes, S_PASSED | S_NO_AGREE },
	{ "holes", holes, S_PASSED },
	{ "fallocate", fallocates, S_PASSED },
	{ "fallocate-moving", fallocate_moving, 0 },
	{ "vectors", vectors, S_PASSED },
	{ "vectors-faulting", vectors_faulting, S_PASSED },
	{},
};
const struct scenario_group group_data = { "data", scenarios };
