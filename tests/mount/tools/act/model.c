// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * act model FILE SEED STEPS: random reads, writes, truncations, mapped stores, holes and
 * allocations on one file, through several opens. After each step compares the result with a copy
 * in memory. The output ends with the last steps before a difference.
 */
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "act.h"

enum { MAX_SIZE = 1 << 20, N_OPENS = 3, HISTORY = 12 };

static unsigned char model[MAX_SIZE * 2];
static unsigned char buffer[MAX_SIZE * 2] __attribute__((aligned(4096)));
static size_t size;
static uint64_t state;
static char history[HISTORY][100];
static long step;

__attribute__((format(printf, 1, 2))) static void remember(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(history[step % HISTORY], sizeof(history[0]), format, args);
	va_end(args);
}

static void differs(const char *what, size_t at)
{
	printf("step %ld: %s differs at %zu; the file has %zu bytes; before:\n", step, what, at,
	       size);
	for (long i = step < HISTORY ? 0 : step - HISTORY + 1; i <= step; i++)
		printf("  %ld: %s\n", i, history[i % HISTORY]);
	exit(1);
}

static void compare(const char *what, const unsigned char *a, const unsigned char *b, size_t n)
{
	if (memcmp(a, b, n) == 0)
		return;
	for (size_t i = 0; i < n; i++)
		if (a[i] != b[i])
			differs(what, i);
}

static void grow(size_t to)
{
	if (to > size) {
		memset(model + size, 0, to - size);
		size = to;
	}
}

static void fill(unsigned char *p, size_t n)
{
	unsigned char c = dice(&state);

	for (size_t i = 0; i < n; i++)
		p[i] = c + i * 7;
}

static void do_write(int fd, size_t at, size_t n)
{
	struct iovec v[2] = { { buffer, n / 3 }, { buffer + n / 3, n - n / 3 } };

	remember("write %zu at %zu", n, at);
	fill(buffer, n);
	ssize_t done = dice(&state) % 2 ? pwrite(fd, buffer, n, at) : pwritev(fd, v, 2, at);
	if (done != (ssize_t)n)
		err(1, "step %ld: write %zu at %zu gave %zd", step, n, at, done);
	grow(at + n);
	memcpy(model + at, buffer, n);
}

static void do_direct(int fd, size_t at)
{
	remember("direct write of a page at %zu", at);
	fill(buffer, 4096);
	if (pwrite(fd, buffer, 4096, at) != 4096)
		err(1, "step %ld: direct write", step);
	grow(at + 4096);
	memcpy(model + at, buffer, 4096);
}

static void do_read(int fd, size_t at, size_t n)
{
	size_t have = at >= size ? 0 : size - at < n ? size - at : n;

	remember("read %zu at %zu", n, at);
	ssize_t got = pread(fd, buffer, n, at);
	if (got != (ssize_t)have)
		differs("the length read", got < 0 ? 0 : got);
	compare("what was read", buffer, model + at, have);
}

static void do_truncate(int fd, size_t to)
{
	remember("truncate to %zu", to);
	if (ftruncate(fd, to) < 0)
		err(1, "step %ld: truncate", step);
	if (to < size)
		size = to;
	grow(to);
}

static void do_map(int fd, size_t at, size_t n, bool store)
{
	size_t page = at & ~4095ul;

	if (at >= size)
		return;
	if (n > size - at)
		n = size - at;
	remember("%s %zu at %zu by mapping", store ? "store" : "load", n, at);
	unsigned char *p = mmap(NULL, n + (at - page), PROT_READ | (store ? PROT_WRITE : 0),
				MAP_SHARED, fd, page);
	if (p == MAP_FAILED)
		err(1, "step %ld: mmap", step);
	if (store) {
		fill(model + at, n);
		memcpy(p + (at - page), model + at, n);
		if (dice(&state) % 3 == 0)
			msync(p, n + (at - page), MS_SYNC);
	} else {
		compare("the mapping", p + (at - page), model + at, n);
	}
	munmap(p, n + (at - page));
}

static void do_allocate(int fd, size_t at, size_t n, int mode)
{
	remember("fallocate %d %zu at %zu", mode, n, at);
	if (fallocate(fd, mode, at, n) < 0) {
		if (errno != EOPNOTSUPP)
			err(1, "step %ld: fallocate", step);
		return;
	}
	if (!(mode & FALLOC_FL_KEEP_SIZE))
		grow(at + n);
	if ((mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) && at < size)
		memset(model + at, 0, at + n > size ? size - at : n);
}

static void check_all(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || st.st_size != (off_t)size)
		differs("st_size", st.st_size);
	if (pread(fd, buffer, size + 1, 0) != (ssize_t)size)
		differs("the length of all", size);
	compare("all", buffer, model, size);
}

static void one_step(int fd, int direct)
{
	size_t at = dice(&state) % MAX_SIZE, n = 1 + dice(&state) % 65536;

	if (at + n > MAX_SIZE)
		n = MAX_SIZE - at;
	switch (dice(&state) % 12) {
	case 0:
	case 1:
	case 2:
		do_write(fd, at, n);
		break;
	case 3:
	case 4:
		do_read(fd, at, n);
		break;
	case 5:
		do_truncate(fd, at);
		break;
	case 6:
		do_map(fd, at, n, true);
		break;
	case 7:
		do_map(fd, at, n, false);
		break;
	case 8:
		do_allocate(fd, at, n, dice(&state) % 2 ? FALLOC_FL_KEEP_SIZE : 0);
		break;
	case 9:
		do_allocate(fd, at, n, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE);
		break;
	case 10:
		do_allocate(fd, at, n,
			    FALLOC_FL_ZERO_RANGE | (dice(&state) % 2 ? FALLOC_FL_KEEP_SIZE : 0));
		break;
	case 11:
		if (direct >= 0)
			do_direct(direct, at & ~4095ul);
		else
			check_all(fd);
		break;
	}
}

int act_model(int argc, char **argv)
{
	int fds[N_OPENS], direct;

	if (argc != 3)
		return 2;
	state = strtoull(argv[1], NULL, 10);
	for (int i = 0; i < N_OPENS; i++)
		if ((fds[i] = open(argv[0], O_RDWR | O_CREAT, 0644)) < 0)
			err(1, "%s", argv[0]);
	/* Some lower file systems have no O_DIRECT. */
	direct = open(argv[0], O_RDWR | O_DIRECT);
	for (step = 0; step < atol(argv[2]); step++) {
		int *fd = &fds[dice(&state) % N_OPENS];

		/*
		 * Sometimes opens the file anew, so that it has a first open and a last close, too.
		 */
		if (dice(&state) % 40 == 0) {
			close(*fd);
			*fd = open(argv[0], O_RDWR);
		}
		one_step(*fd, direct);
		if (step % 50 == 0)
			check_all(*fd);
	}
	check_all(fds[0]);
	return 0;
}
