// SPDX-License-Identifier: LGPL-2.1-or-later
/* Reading and writing, one call at a time: every kind of call, flag, vector and place. */
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "parity.h"

static void note_data(struct side *s, const char *what, const void *data, ssize_t n)
{
	note(s, "%s: %zd bytes, sum %llx", what, n, n > 0 ? (long long)checksum(data, n) : 0LL);
}

/* Not constants, so that the compiler does not know better. */
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

/* Places that the lower file system cannot have. */
static void too_far(struct side *s)
{
	int fd = openat(s->dir, "f", O_CREAT | O_RDWR, 0644);

	DO(s, pwrite(fd, "x", 1, 1LL << 45));
	DO(s, pwrite(fd, "x", 1, INT64_MAX - 1));
	DO(s, ftruncate(fd, 1LL << 45));
	note_stat(s, fd, "");
	/* So that nobody reads all of it in the end. */
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
	static const size_t lengths[] = { 0,	1,     511,   512,    513,    4095,    4096,	4097,
					  65535, 65536, 65537, 131072, 262143, 1048576, 1048577, 3000001 };
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

/* The kernel's FUSE answers these by itself: see "limits". */
static void fallocate_moving(struct side *s)
{
	unsigned char *out = pattern(100000, 6);
	int fd = openat(s->dir, "f", O_CREAT | O_RDWR, 0644);

	MUST(write(fd, out, 100000) == 100000);
	DO(s, fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 4096, 4096));
	DO(s, fallocate(fd, FALLOC_FL_INSERT_RANGE, 4096, 4096));
	note_content(s, "f");
}

static void append(struct side *s)
{
	int fd = FD(s, openat(s->dir, "f", O_CREAT | O_RDWR | O_APPEND, 0644)), other, plain;

	DO(s, write(fd, "one", 3));
	DO(s, lseek(fd, 0, SEEK_SET));
	DO(s, write(fd, "two", 3));
	DO(s, lseek(fd, 0, SEEK_CUR));
	DO(s, pwrite(fd, "three", 5, 0));
	other = openat(s->dir, "f", O_WRONLY | O_APPEND);
	DO(s, write(other, "four", 4));
	DO(s, write(fd, "five", 4));
	plain = openat(s->dir, "f", O_RDWR);
	DO(s, write(plain, "SIX", 3));
	DO(s, ftruncate(plain, 4));
	DO(s, write(fd, "seven", 5));
	DO(s, write(other, "eight", 5));
	note_content(s, "f");
	DO(s, fcntl(plain, F_SETFL, O_APPEND));
	DO(s, write(plain, "nine", 4));
	note_content(s, "f");
}

/* O_APPEND taken away from an open file: writes go where they are told to. */
static void append_cleared(struct side *s)
{
	int fd = FD(s, openat(s->dir, "f", O_CREAT | O_RDWR | O_APPEND, 0644));

	DO(s, write(fd, "one", 3));
	DO(s, fcntl(fd, F_SETFL, 0));
	DO(s, pwrite(fd, "TWO", 3, 0));
	DO(s, lseek(fd, 1, SEEK_SET));
	DO(s, write(fd, "x", 1));
	note_content(s, "f");
}

/* Two processes append at the same time: nothing is lost, nothing is torn. */
static void two_appenders(struct side *s)
{
	enum { LINES = 2000, WIDTH = 100 };
	char line[WIDTH + 1], name[] = "f";
	int lines[4] = {}, torn = 0;

	put(s, name, "");
	for (int w = 0; w < 4; w++) {
		if (fork())
			continue;
		int fd = openat(s->dir, name, O_WRONLY | O_APPEND);
		memset(line, 'a' + w, WIDTH - 1);
		line[WIDTH - 1] = '\n';
		for (int i = 0; i < LINES; i++)
			if (write(fd, line, WIDTH) != WIDTH)
				_exit(1);
		_exit(0);
	}
	for (int w = 0, status; w < 4; w++)
		if (wait(&status) < 0 || status)
			note(s, "a writer failed: %x", status);
	FILE *f = fdopen(openat(s->dir, name, O_RDONLY), "r");
	MUST(f != NULL);
	while (fread(line, 1, WIDTH, f) == WIDTH) {
		bool whole = line[WIDTH - 1] == '\n' && line[0] >= 'a' && line[0] <= 'd';

		for (int i = 0; whole && i < WIDTH - 1; i++)
			whole = line[i] == line[0];
		if (whole)
			lines[line[0] - 'a']++;
		else
			torn++;
	}
	note(s, "%d %d %d %d lines, %d torn", lines[0], lines[1], lines[2], lines[3], torn);
	note_stat(s, s->dir, name);
}

static void synced(struct side *s)
{
	static const int flags[] = { O_SYNC, O_DSYNC, O_RSYNC | O_SYNC, O_SYNC | O_APPEND };
	unsigned char *out = pattern(10000, 7);

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		char name[16];

		snprintf(name, sizeof(name), "f%zu", i);
		int fd = FD(s, openat(s->dir, name, O_CREAT | O_RDWR | flags[i], 0644));
		for (int j = 0; j < 5; j++)
			DO(s, write(fd, out, 10000));
		DO(s, fsync(fd));
		DO(s, fdatasync(fd));
		DO(s, sync_file_range(fd, 0, 4096, SYNC_FILE_RANGE_WRITE));
		note_content(s, name);
	}
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
			/* Of every length, empty ones among them, at odd addresses. */
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

/* Where the caller's memory ends in the middle, what was before it counts. */
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

static void rwf_flags(struct side *s)
{
	static const struct {
		const char *name;
		int flags;
	} rows[] = {
		{ "none", 0 },
		{ "append", RWF_APPEND },
		{ "dsync", RWF_DSYNC },
		{ "sync", RWF_SYNC },
		{ "hipri", RWF_HIPRI },
		{ "append sync", RWF_APPEND | RWF_SYNC },
		{ "unknown", 0x10000000 },
	};
	char in[64] = "";
	struct iovec w = { (char *)"written", 7 }, r = { in, 7 };
	int fd = openat(s->dir, "f", O_CREAT | O_RDWR, 0644);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		note(s, "%s", rows[i].name);
		DO(s, pwritev2(fd, &w, 1, 2, rows[i].flags));
		DO(s, pwritev2(fd, &w, 1, -1, rows[i].flags));
		DO(s, preadv2(fd, &r, 1, 0, rows[i].flags & ~RWF_APPEND));
		DO(s, preadv2(fd, &r, 1, 0, rows[i].flags));
		note_content(s, "f");
	}
}

/* Without waiting: the page is in memory, so it can be had at once. */
static void nowait(struct side *s)
{
	char in[4096];
	struct iovec r = { in, 4096 };

	put(s, "f", "0123456789");
	int fd = openat(s->dir, "f", O_RDWR);
	MUST(fsync(fd) == 0);
	MUST(pread(fd, in, 10, 0) == 10);
	DO(s, preadv2(fd, &r, 1, 0, RWF_NOWAIT));
	DO(s, preadv2(fd, &r, 1, 5, RWF_NOWAIT));
	DO(s, preadv2(fd, &r, 1, 10, RWF_NOWAIT));
}

static void nowait_write(struct side *s)
{
	char in[4096];
	struct iovec r = { in, 4096 };

	put(s, "f", "0123456789");
	int fd = openat(s->dir, "f", O_RDWR);
	MUST(fsync(fd) == 0);
	MUST(pread(fd, in, 10, 0) == 10);
	r.iov_len = 5;
	long n = pwritev2(fd, &r, 1, 0, RWF_NOWAIT);
	note(s, "write: %s", n == 5 || errno == EAGAIN ? "done or again" : strerrorname_np(errno));
}

static void direct(struct side *s)
{
	unsigned char *out = pattern(1 << 20, 10), *in = pattern(1 << 20, 11);
	int fd = FD(s, openat(s->dir, "f", O_CREAT | O_RDWR | O_DIRECT, 0644));

	if (fd < 0)
		return;
	DO(s, pwrite(fd, out, 1 << 20, 0));
	DO(s, pread(fd, in, 1 << 20, 0));
	note_data(s, "direct", in, 1 << 20);
	DO(s, pwrite(fd, out, 4096, 1 << 20));
	DO(s, pread(fd, in, 8192, (1 << 20) - 4096));
	DO(s, pread(fd, in, 4096, 4 << 20));
	DO(s, pwrite(fd, out, 4096, 8 << 20));
	/* What is not aligned is the lower file system's to refuse. */
	DO(s, pwrite(fd, out, 100, 0));
	DO(s, pwrite(fd, out, 4096, 100));
	DO(s, pread(fd, in, 100, 0));
	DO(s, pread(fd, in, 4096, 1));
	note_content(s, "f");
}

static void direct_odd_memory(struct side *s)
{
	unsigned char *out = pattern(65536, 10), *in = pattern(65536, 11);
	int fd = FD(s, openat(s->dir, "f", O_CREAT | O_RDWR | O_DIRECT, 0644));

	DO(s, pwrite(fd, out, 65536, 0));
	DO(s, pwrite(fd, out + 1, 4096, 0));
	DO(s, pread(fd, in + 1, 4096, 0));
	note_content(s, "f");
}

/* O_DIRECT given to, and taken from, an open file. */
static void direct_toggled(struct side *s)
{
	unsigned char *in = pattern(4096, 11);

	put(s, "f", "0123456789");
	int fd = FD(s, openat(s->dir, "f", O_RDWR | O_DIRECT)), plain = openat(s->dir, "f", O_RDWR);
	DO(s, fcntl(fd, F_SETFL, 0));
	DO(s, pwrite(fd, "buffered", 8, 5));
	DO(s, fcntl(fd, F_SETFL, O_DIRECT));
	DO(s, pread(fd, in, 4096, 0));
	note_data(s, "direct after buffered", in, 13);
	DO(s, fcntl(plain, F_SETFL, O_DIRECT));
	DO(s, pread(plain, in, 4096, 0));
	note_content(s, "f");
}

/* Several opens of one file in different modes see each other's data at once. */
static void mixed_opens(struct side *s)
{
	unsigned char *out = pattern(65536, 12), *in = pattern(65536, 13);

	put(s, "f", "begin");
	int ro = FD(s, openat(s->dir, "f", O_RDONLY));
	int wo = FD(s, openat(s->dir, "f", O_WRONLY));
	int rw = FD(s, openat(s->dir, "f", O_RDWR));
	int direct_rw = FD(s, openat(s->dir, "f", O_RDWR | O_DIRECT));
	int append_wo = FD(s, openat(s->dir, "f", O_WRONLY | O_APPEND));
	int sync_wo = FD(s, openat(s->dir, "f", O_WRONLY | O_SYNC));

	DO(s, pwrite(wo, out, 65536, 0));
	DO(s, pread(ro, in, 65536, 0));
	note_data(s, "ro after wo", in, 65536);
	DO(s, pwrite(direct_rw, out + 4096, 4096, 0));
	DO(s, pread(ro, in, 4096, 0));
	note_data(s, "ro after direct", in, 4096);
	DO(s, write(append_wo, "tail", 4));
	DO(s, pread(rw, in, 100, 65536));
	DO(s, pwrite(sync_wo, "sync", 4, 4096));
	DO(s, pread(direct_rw, in, 8192, 0));
	note_data(s, "direct after sync", in, 8192);
	close(rw);
	DO(s, pread(ro, in, 65536, 0));
	int late = FD(s, openat(s->dir, "f", O_RDWR | O_TRUNC));
	DO(s, pread(ro, in, 65536, 0));
	DO(s, pwrite(late, "late", 4, 0));
	DO(s, pread(ro, in, 65536, 0));
	close(wo);
	close(direct_rw);
	close(ro);
	DO(s, write(append_wo, "more", 4));
	note_content(s, "f");
}

static void duplicates(struct side *s)
{
	char in[16] = "";

	put(s, "f", "0123456789");
	int fd = openat(s->dir, "f", O_RDWR), two = dup(fd);
	DO(s, read(fd, in, 3));
	DO(s, read(two, in, 3));
	note(s, "%.3s", in);
	close(fd);
	DO(s, read(two, in, 3));
	if (fork() == 0)
		_exit(write(two, "X", 1) == 1 ? 0 : 1);
	int status;
	wait(&status);
	note(s, "child %d", status);
	DO(s, lseek(two, 0, SEEK_CUR));
	note_content(s, "f");
}

static void advised(struct side *s)
{
	unsigned char *out = pattern(500000, 14), *in = pattern(500000, 15);
	int fd = openat(s->dir, "f", O_CREAT | O_RDWR, 0644);

	MUST(write(fd, out, 500000) == 500000);
	for (int advice = POSIX_FADV_NORMAL; advice <= POSIX_FADV_NOREUSE + 1; advice++)
		DO(s, posix_fadvise(fd, 0, 0, advice));
	DO(s, readahead(fd, 0, 500000));
	DO(s, pread(fd, in, 500000, 0));
	note_data(s, "after advice", in, 500000);
	DO(s, pwrite(fd, "changed", 7, 1000));
	DO(s, posix_fadvise(fd, 0, 0, POSIX_FADV_WILLNEED));
	DO(s, pread(fd, in, 500000, 0));
	note_data(s, "after change", in, 500000);
	DO(s, pwrite(fd, "changed", 7, 100000));
	DO(s, posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
	int other = openat(s->dir, "f", O_RDONLY);
	DO(s, pread(other, in, 500000, 0));
	note_data(s, "another open", in, 500000);
}

static void read_only_then_gone(struct side *s)
{
	char in[16] = "";

	put(s, "f", "0123456789");
	int fd = openat(s->dir, "f", O_RDONLY);
	MUST(unlinkat(s->dir, "f", 0) == 0);
	put(s, "f", "another");
	int again = openat(s->dir, "f", O_RDONLY);
	DO(s, pread(fd, in, 10, 0));
	note(s, "%.10s", in);
	DO(s, pread(again, in, 10, 0));
	note(s, "%.7s", in);
}

static const struct scenario scenarios[] = {
	{ "basics", basics, S_PASSED },
	{ "too-far", too_far, 0 },
	{ "seek-too-far", seek_too_far, 0 },
	{ "sizes", sizes, S_PASSED | S_NO_AGREE },
	{ "holes", holes, S_PASSED },
	{ "fallocate", fallocates, S_PASSED },
	{ "fallocate-moving", fallocate_moving, 0 },
	{ "append", append, S_PASSED },
	{ "append-cleared", append_cleared, S_PASSED },
	{ "two-appenders", two_appenders, S_PASSED },
	{ "synced", synced, S_PASSED },
	{ "vectors", vectors, S_PASSED },
	{ "vectors-faulting", vectors_faulting, S_PASSED },
	{ "rwf-flags", rwf_flags, S_PASSED },
	{ "nowait", nowait, S_PASSED },
	{ "nowait-write", nowait_write, S_PASSED },
	{ "direct", direct, S_PASSED },
	{ "direct-odd-memory", direct_odd_memory, S_PASSED },
	{ "direct-toggled", direct_toggled, S_PASSED },
	{ "mixed-opens", mixed_opens, S_PASSED },
	{ "duplicates", duplicates, S_PASSED },
	{ "advised", advised, 0 },
	{ "read-only-then-gone", read_only_then_gone, S_PASSED },
	{},
};
const struct scenario_group group_data = { "data", scenarios };
