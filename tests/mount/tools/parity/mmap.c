// SPDX-License-Identifier: LGPL-2.1-or-later
/* Mappings, private and shared, read and written, also of a file that is truncated meanwhile. */
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "parity.h"

static sigjmp_buf bus;

static void on_bus(int number)
{
	siglongjmp(bus, 1);
}

/* Notes a byte, or SIGBUS. */
static void note_byte(struct side *s, const char *what, const volatile char *p)
{
	signal(SIGBUS, on_bus);
	if (sigsetjmp(bus, 1) == 0)
		note(s, "%s: byte %d", what, *p);
	else
		note(s, "%s: SIGBUS", what);
}

static void note_store(struct side *s, const char *what, volatile char *p, char c)
{
	signal(SIGBUS, on_bus);
	if (sigsetjmp(bus, 1) == 0) {
		*p = c;
		note(s, "%s: stored", what);
	} else {
		note(s, "%s: SIGBUS", what);
	}
}

static char *map(struct side *s, const char *what, int fd, size_t n, int prot, int flags)
{
	char *p = mmap(NULL, n, prot, flags, fd, 0);

	note(s, "%s: %s", what, p == MAP_FAILED ? strerrorname_np(errno) : "mapped");
	return p == MAP_FAILED ? NULL : p;
}

static int make(struct side *s, const char *name, size_t n)
{
	unsigned char *data = pattern(n, 1);
	int fd = openat(s->dir, name, O_CREAT | O_RDWR | O_TRUNC, 0644);

	MUST(fd >= 0 && write(fd, data, n) == (ssize_t)n);
	free(data);
	return fd;
}

static void reading(struct side *s)
{
	int fd = make(s, "f", 100000);
	char *p = map(s, "shared", fd, 100000, PROT_READ, MAP_SHARED);
	char *q = map(s, "private", fd, 100000, PROT_READ, MAP_PRIVATE);

	note(s, "sums %llx %llx", (long long)checksum(p, 100000), (long long)checksum(q, 100000));
	MUST(pwrite(fd, "written", 7, 5000) == 7);
	note(s, "after a write %.7s %.7s", p + 5000, q + 5000);
	int ro = openat(s->dir, "f", O_RDONLY);
	char *r = map(s, "of a read-only open", ro, 4096, PROT_READ, MAP_SHARED);
	note(s, "%d", r ? memcmp(r, p, 4096) : -1);
	map(s, "writable of a read-only open", ro, 4096, PROT_READ | PROT_WRITE, MAP_SHARED);
	map(s, "private writable of a read-only open", ro, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE);
	int wo = openat(s->dir, "f", O_WRONLY);
	map(s, "of a write-only open", wo, 4096, PROT_READ, MAP_SHARED);
	close(fd);
	close(ro);
	note(s, "after close %.7s", p + 5000);
}

static void storing(struct side *s)
{
	char in[16] = "";
	int fd = make(s, "f", 20000);
	char *p = map(s, "shared", fd, 20000, PROT_READ | PROT_WRITE, MAP_SHARED);

	memcpy(p + 4090, "across two pages", 16);
	DO(s, pread(fd, in, 15, 4090));
	note(s, "read back: %s", in);
	DO(s, msync(p, 20000, MS_SYNC));
	note_content(s, "f");
	memcpy(p, "again", 5);
	DO(s, msync(p, 4096, MS_ASYNC));
	memcpy(p + 8192, "and again", 9);
	DO(s, fsync(fd));
	memcpy(p + 12288, "unsynced", 8);
	DO(s, munmap(p, 20000));
	DO(s, close(fd));
	note_content(s, "f");
}

/* Times and size in the view follow stores, with and without msync(2). */
static void storing_and_looking(struct side *s)
{
	int fd = make(s, "f", 20000);
	char *p = map(s, "shared", fd, 20000, PROT_READ | PROT_WRITE, MAP_SHARED);

	/* The pages are in memory, so that a store causes no READ if the daemon serves the data. */
	note(s, "sum %llx", (long long)checksum(p, 20000));
	for (int i = 0; i < 5; i++) {
		struct stamp before = stamp_take(s, fd, "");

		p[i * 4096] = 'a' + i;
		agree(s, "a store");
		DO(s, msync(p, 20000, MS_SYNC));
		stamp_note(s, "store and msync", fd, "", before);
	}
	p[1] = 'z';
	agree(s, "a store without msync");
	munmap(p, 20000);
	agree(s, "munmap");
	close(fd);
	agree(s, "close");
}

static void private_stores(struct side *s)
{
	char in[8] = "";
	int fd = make(s, "f", 10000);
	char *p = map(s, "private", fd, 10000, PROT_READ | PROT_WRITE, MAP_PRIVATE);

	memcpy(p, "private", 7);
	DO(s, pread(fd, in, 7, 0));
	note(s, "not in the file: %d", memcmp(in, "private", 7) != 0);
	MUST(pwrite(fd, "written", 7, 0) == 7);
	note(s, "mine stays: %.7s", p);
	note_content(s, "f");
}

static void truncated_under(struct side *s)
{
	int fd = make(s, "f", 40000);
	char *p = map(s, "shared", fd, 40960, PROT_READ | PROT_WRITE, MAP_SHARED);

	note_byte(s, "before", p + 30000);
	DO(s, ftruncate(fd, 10000));
	note_byte(s, "in the last page", p + 9999);
	note_byte(s, "past the end of it", p + 10100);
	note_byte(s, "behind", p + 30000);
	note_store(s, "store behind", p + 30000, 'x');
	DO(s, ftruncate(fd, 40000));
	note_byte(s, "grown again", p + 30000);
	note_store(s, "store when grown", p + 30000, 'y');
	DO(s, msync(p, 40960, MS_SYNC));
	note_content(s, "f");
	DO(s, truncate("f", 0));
	note_byte(s, "of nothing", p);
	DO(s, munmap(p, 40960));
	note_content(s, "f");
}

/* Bytes after the end of the file, in its last page, do not reappear when the file grows. */
static void past_the_end(struct side *s)
{
	int fd = make(s, "f", 100);
	char *p = map(s, "shared", fd, 4096, PROT_READ | PROT_WRITE, MAP_SHARED);

	memcpy(p + 200, "beyond", 6);
	DO(s, msync(p, 4096, MS_SYNC));
	note_stat(s, fd, "");
	DO(s, ftruncate(fd, 300));
	note_byte(s, "grown", p + 200);
	note_content(s, "f");
	munmap(p, 4096);
	p = map(s, "of an empty file", make(s, "empty", 0), 4096, PROT_READ | PROT_WRITE,
		MAP_SHARED);
	note_byte(s, "empty", p);
}

static void shared_by_two(struct side *s)
{
	int fd = make(s, "f", 8192), status;
	char *p = map(s, "shared", fd, 8192, PROT_READ | PROT_WRITE, MAP_SHARED);

	if (fork() == 0) {
		int own = openat(s->dir, "f", O_RDWR);
		char *q = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, own, 0);

		if (q == MAP_FAILED)
			_exit(1);
		memcpy(q + 4090, "from the child", 14);
		_exit(0);
	}
	wait(&status);
	note(s, "child %d, seen: %.14s", status, p + 4090);
	memcpy(p, "from the parent", 15);
	char in[16] = "";
	int other = openat(s->dir, "f", O_RDONLY);
	DO(s, pread(other, in, 15, 0));
	note(s, "%s", in);
}

static void kept_after_unlink(struct side *s)
{
	int fd = make(s, "f", 8192);
	char *p = map(s, "shared", fd, 8192, PROT_READ | PROT_WRITE, MAP_SHARED);

	close(fd);
	MUST(unlinkat(s->dir, "f", 0) == 0);
	memcpy(p, "still here", 10);
	DO(s, msync(p, 8192, MS_SYNC));
	note(s, "%.10s", p);
	DO(s, munmap(p, 8192));
}

static void changed_kinds(struct side *s)
{
	int fd = make(s, "f", 16384);
	char *p = map(s, "shared", fd, 16384, PROT_READ, MAP_SHARED);

	DO(s, mprotect(p, 4096, PROT_READ | PROT_WRITE));
	p[0] = 'X';
	char *q = mremap(p, 16384, 8192, 0);
	note(s, "shrunk %d", q == p);
	DO(s, madvise(p, 8192, MADV_DONTNEED));
	note_byte(s, "after dontneed", p);
	DO(s, madvise(p, 8192, MADV_WILLNEED));
	DO(s, madvise(p, 4096, MADV_REMOVE));
	note_byte(s, "after remove", p);
	DO(s, mlock(p, 8192));
	DO(s, munlock(p, 8192));
	munmap(p, 8192);
	p = map(s, "populated", fd, 16384, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE);
	note_byte(s, "populated", p + 12000);
	note_content(s, "f");
	int d = openat(s->dir, ".", O_RDONLY);
	map(s, "a directory", d, 4096, PROT_READ, MAP_SHARED);
}

/* Reads into a mapping of the same file, and writes from one. */
static void file_into_itself(struct side *s)
{
	int fd = make(s, "f", 65536);
	char *p = map(s, "shared", fd, 65536, PROT_READ | PROT_WRITE, MAP_SHARED);

	DO(s, pwrite(fd, p, 8192, 16384));
	DO(s, pread(fd, p + 32768, 8192, 0));
	DO(s, pwrite(fd, p + 100, 4096, 200));
	DO(s, msync(p, 65536, MS_SYNC));
	note_content(s, "f");
}

static const struct scenario scenarios[] = {
	{ "reading", reading, S_PASSED },
	{ "storing", storing, S_PASSED },
	{ "storing-and-looking", storing_and_looking, S_PASSED },
	{ "private-stores", private_stores, S_PASSED },
	{ "truncated-under", truncated_under, S_PASSED },
	{ "past-the-end", past_the_end, S_PASSED },
	{ "shared-by-two", shared_by_two, S_PASSED },
	{ "kept-after-unlink", kept_after_unlink, S_PASSED },
	{ "changed-kinds", changed_kinds, 0 },
	{ "file-into-itself", file_into_itself, S_PASSED },
	{},
};
const struct scenario_group group_mmap = { "mmap", scenarios };
