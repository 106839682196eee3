// SPDX-License-Identifier: LGPL-2.1-or-later
/* Offsets beyond 2 and 4 GiB, and the largest transfer of one call. */
#include <sys/mman.h>
#include <sys/uio.h>

#include "parity.h"

static void far_places(struct side *s)
{
	static const off_t places[] = { (1LL << 31) - 3, (1LL << 31),        (1LL << 32) - 3,
					(1LL << 32),     (1LL << 32) + 4095, (1LL << 33) + 1,
					(1LL << 40) - 1, (1LL << 44) - 20000 };
	unsigned char *out = pattern(10000, 1), *in = pattern(10000, 2);
	int fd = openat(s->dir, "f", O_CREAT | O_RDWR, 0644);

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		note(s, "at %lld", (long long)places[i]);
		DO(s, pwrite(fd, out, 1000, places[i]));
		note_stat(s, fd, "");
		DO(s, pread(fd, in, 2000, places[i] - 500));
		note(s, "sum %llx", (long long)checksum(in, 1500));
		DO(s, lseek(fd, places[i], SEEK_SET));
		DO(s, read(fd, in, 10));
		DO(s, lseek(fd, 0, SEEK_CUR));
		DO(s, lseek(fd, places[i] - 100000, SEEK_DATA));
	}
	DO(s, ftruncate(fd, (1LL << 32) + 1));
	DO(s, pread(fd, in, 10000, (1LL << 32) - 3));
	int app = openat(s->dir, "f", O_WRONLY | O_APPEND);
	DO(s, write(app, "end", 3));
	note_stat(s, fd, "");
	DO(s, fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 1LL << 31, 1LL << 31));
	DO(s, ftruncate(fd, 0));
}

static void far_direct(struct side *s)
{
	unsigned char *out = pattern(8192, 3), *in = pattern(8192, 4);
	int fd = openat(s->dir, "f", O_CREAT | O_RDWR | O_DIRECT, 0644);

	DO(s, pwrite(fd, out, 8192, (1LL << 32) - 4096));
	DO(s, pread(fd, in, 8192, (1LL << 32) - 4096));
	note(s, "sum %llx", (long long)checksum(in, 8192));
	note_stat(s, fd, "");
	DO(s, ftruncate(fd, 0));
}

static void far_map(struct side *s)
{
	int fd = openat(s->dir, "f", O_CREAT | O_RDWR, 0644);

	MUST(ftruncate(fd, (1LL << 33) + 8192) == 0);
	char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 1LL << 33);
	DO(s, p == MAP_FAILED);
	if (p == MAP_FAILED)
		return;
	memcpy(p + 4090, "across pages", 12);
	DO(s, msync(p, 8192, MS_SYNC));
	char in[13] = "";
	DO(s, pread(fd, in, 12, (1LL << 33) + 4090));
	note(s, "%s", in);
	munmap(p, 8192);
	DO(s, ftruncate(fd, 0));
}

/*
 * One call moves at most 2 GiB less a page; more is cut short, not refused. All segments are the
 * same 2 MiB, so that the memory stays small.
 */
static void largest_transfer(struct side *s)
{
	enum { PIECE = 2 << 20 };
	unsigned char *data = pattern(PIECE, 5), *in = pattern(PIECE, 6);
	static struct iovec w[1024], r[1024];
	int fd = openat(s->dir, "f", O_CREAT | O_RDWR, 0644);

	for (int i = 0; i < 1024; i++) {
		w[i] = (struct iovec){ data, PIECE };
		r[i] = (struct iovec){ in, PIECE };
	}
	DO(s, pwritev(fd, w, 1024, 4096));
	note_stat(s, fd, "");
	DO(s, preadv(fd, r, 1024, 4096));
	note(s, "sum %llx", (long long)checksum(in, PIECE));
	DO(s, pread(fd, in, PIECE, 4096 + 1023LL * PIECE));
	note(s, "last %llx", (long long)checksum(in, PIECE - 8192));
	DO(s, ftruncate(fd, 0));
}

static const struct scenario scenarios[] = {
	{ "far-places", far_places, S_PASSED },
	{ "far-direct", far_direct, S_PASSED },
	{ "far-map", far_map, S_PASSED },
	{ "largest-transfer", largest_transfer, S_PASSED | S_NO_AGREE | S_SLOW },
	{},
};
const struct scenario_group group_large = { "large", scenarios };
