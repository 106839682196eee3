// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Copies inside the kernel: splice, tee, sendfile and copy_file_range, between all kinds of files.
 */
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "parity.h"

static unsigned char *source(struct side *s, const char *name, size_t n)
{
	unsigned char *data = pattern(n, 1);
	int fd = openat(s->dir, name, O_CREAT | O_WRONLY, 0644);

	MUST(fd >= 0 && write(fd, data, n) == (ssize_t)n);
	close(fd);
	return data;
}

static void splice_out(struct side *s)
{
	unsigned char in[70000];
	int ends[2];
	loff_t at = 1000;

	source(s, "f", 200000);
	int fd = openat(s->dir, "f", O_RDONLY);
	MUST(pipe(ends) == 0 && fcntl(ends[1], F_SETPIPE_SZ, 1 << 17) > 0);
	DO(s, splice(fd, NULL, ends[1], NULL, 50000, 0));
	DO(s, lseek(fd, 0, SEEK_CUR));
	ssize_t got = 0, n;
	while (got < 50000 && (n = read(ends[0], in + got, 50000 - got)) > 0)
		got += n;
	note(s, "%zd bytes, sum %llx", got, (long long)checksum(in, got));
	n = splice(fd, &at, ends[1], NULL, 5000, SPLICE_F_MOVE);
	note(s, "%zd, place %lld", n, (long long)at);
	n = read(ends[0], in, 5000);
	note(s, "%zd bytes, sum %llx", n, (long long)checksum(in, n));
	at = 199990;
	DO(s, splice(fd, &at, ends[1], NULL, 5000, 0));
	at = 300000;
	DO(s, splice(fd, &at, ends[1], NULL, 5000, 0));
}

static void splice_in(struct side *s)
{
	unsigned char *data = pattern(60000, 2);
	loff_t at = 5000;
	int ends[2], fd = openat(s->dir, "f", O_CREAT | O_RDWR, 0644);

	MUST(pipe(ends) == 0 && fcntl(ends[1], F_SETPIPE_SZ, 1 << 17) > 0);
	MUST(write(ends[1], data, 60000) == 60000);
	ssize_t put_in = 0, n;
	while (put_in < 60000 && (n = splice(ends[0], NULL, fd, NULL, 60000 - put_in, 0)) > 0)
		put_in += n;
	note(s, "%zd", put_in);
	DO(s, lseek(fd, 0, SEEK_CUR));
	MUST(write(ends[1], data, 1000) == 1000);
	DO(s, splice(ends[0], NULL, fd, &at, 1000, 0));
	int app = openat(s->dir, "f", O_WRONLY | O_APPEND);
	MUST(write(ends[1], data, 10) == 10);
	DO(s, splice(ends[0], NULL, app, NULL, 10, 0));
	int ro = openat(s->dir, "f", O_RDONLY);
	DO(s, splice(ends[0], NULL, ro, NULL, 10, 0));
	note_content(s, "f");
}

static void vmsplice_in(struct side *s)
{
	unsigned char *data = pattern(16384, 3);
	struct iovec v = { data, 16384 };
	int ends[2], fd = openat(s->dir, "f", O_CREAT | O_RDWR, 0644);

	MUST(pipe(ends) == 0);
	MUST(vmsplice(ends[1], &v, 1, SPLICE_F_GIFT) == 16384);
	ssize_t put_in = 0, n;
	while (put_in < 16384 && (n = splice(ends[0], NULL, fd, NULL, 16384, SPLICE_F_MOVE)) > 0)
		put_in += n;
	note(s, "%zd", put_in);
	note_content(s, "f");
}

static void sendfiles(struct side *s)
{
	unsigned char in[40000];
	int pair[2];
	off_t at = 777;

	source(s, "f", 100000);
	int fd = openat(s->dir, "f", O_RDONLY), out = openat(s->dir, "g", O_CREAT | O_RDWR, 0644);
	DO(s, sendfile(out, fd, NULL, 100000));
	DO(s, lseek(fd, 0, SEEK_CUR));
	DO(s, lseek(out, 0, SEEK_CUR));
	DO(s, sendfile(out, fd, &at, 5000));
	note(s, "place %lld", (long long)at);
	note_content(s, "g");
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	at = 0;
	ssize_t n = sendfile(pair[0], fd, &at, 40000), got = 0, m;
	while (got < n && (m = read(pair[1], in + got, n - got)) > 0)
		got += m;
	note(s, "by socket %zd, sum %llx", got, (long long)checksum(in, got));
	DO(s, sendfile(out, fd, NULL, 10));
}

static void copy_ranges(struct side *s)
{
	off_t from = 100, to = 50;

	source(s, "f", 300000);
	int in = openat(s->dir, "f", O_RDWR), out = openat(s->dir, "g", O_CREAT | O_RDWR, 0644);
	DO(s, copy_file_range(in, NULL, out, NULL, 100000, 0));
	DO(s, lseek(in, 0, SEEK_CUR));
	DO(s, lseek(out, 0, SEEK_CUR));
	DO(s, copy_file_range(in, &from, out, &to, 1000, 0));
	note(s, "places %lld %lld", (long long)from, (long long)to);
	note_content(s, "g");
	/* Within one file: separate and overlapping ranges. */
	from = 0, to = 400000;
	DO(s, copy_file_range(in, &from, in, &to, 5000, 0));
	from = 0, to = 1000;
	DO(s, copy_file_range(in, &from, in, &to, 5000, 0));
	note_content(s, "f");
	from = 10000000;
	DO(s, copy_file_range(in, &from, out, NULL, 10, 0));
	from = 404000;
	DO(s, copy_file_range(in, &from, out, NULL, 100000, 0));
	DO(s, copy_file_range(in, NULL, out, NULL, 10, 1));
	int ro = openat(s->dir, "g", O_RDONLY), app = openat(s->dir, "g", O_WRONLY | O_APPEND);
	DO(s, copy_file_range(in, NULL, ro, NULL, 10, 0));
	DO(s, copy_file_range(in, NULL, app, NULL, 10, 0));
	DO(s, copy_file_range(app, NULL, out, NULL, 10, 0));
	int dir = openat(s->dir, ".", O_RDONLY);
	DO(s, copy_file_range(dir, NULL, out, NULL, 10, 0));
	note_content(s, "g");
}

/* Copies right after a write has extended the source: the new size counts. */
static void copy_grown(struct side *s)
{
	off_t from = 0, to = 0;
	unsigned char *data = pattern(50000, 4);

	put(s, "f", "");
	int in = openat(s->dir, "f", O_RDWR), out = openat(s->dir, "g", O_CREAT | O_RDWR, 0644);
	MUST(write(in, data, 50000) == 50000);
	DO(s, copy_file_range(in, &from, out, &to, 100000, 0));
	MUST(pwrite(in, data, 50000, 50000) == 50000);
	DO(s, copy_file_range(in, &from, out, &to, 100000, 0));
	note_content(s, "g");
}

/* Between the view and another file system, in both directions. */
static void copy_to_elsewhere(struct side *s)
{
	char name[] = "/dev/shm/parity-XXXXXX";
	off_t from = 0, to = 0;
	int outside = mkstemp(name);

	MUST(outside >= 0 && unlink(name) == 0);
	source(s, "f", 100000);
	int in = openat(s->dir, "f", O_RDONLY), back = openat(s->dir, "g", O_CREAT | O_RDWR, 0644);
	long n = copy_file_range(in, &from, outside, &to, 100000, 0);
	note(s, "out: %s",
	     n == 100000 || (n < 0 && errno == EXDEV) ? "all, or EXDEV" : strerrorname_np(errno));
	DO(s, sendfile(outside, in, &(off_t){ 0 }, 100000));
	MUST(lseek(outside, 0, SEEK_SET) == 0);
	DO(s, sendfile(back, outside, NULL, 100000));
	note_content(s, "g");
}

static const struct scenario scenarios[] = {
	{ "splice-out", splice_out, S_PASSED },
	{ "splice-in", splice_in, S_PASSED },
	{ "vmsplice-in", vmsplice_in, S_PASSED },
	{ "sendfile", sendfiles, S_PASSED },
	{ "copy-file-range", copy_ranges, S_PASSED },
	{ "copy-grown", copy_grown, S_PASSED },
	{ "copy-to-elsewhere", copy_to_elsewhere, S_PASSED },
	{},
};
const struct scenario_group group_copy = { "copy", scenarios };
