// SPDX-License-Identifier: LGPL-2.1-or-later
/* Reads and writes in all modes of open(2), and in several at once. */
#include <sys/uio.h>
#include <sys/wait.h>

#include "parity.h"

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

/* After fcntl(2) clears O_APPEND, writes go to their offsets. */
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

/* Two processes append at the same time: no line is lost or mixed. */
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

/* The page is in memory, so RWF_NOWAIT can read it at once. */
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
	/* The lower file system decides if unaligned I/O fails. */
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

/* fcntl(2) sets and clears O_DIRECT. */
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

/* Several opens in different modes see each other's data at once. */
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
	{ "append", append, S_PASSED },
	{ "append-cleared", append_cleared, S_PASSED },
	{ "two-appenders", two_appenders, S_PASSED },
	{ "synced", synced, S_PASSED },
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
const struct scenario_group group_modes = { "modes", scenarios };
