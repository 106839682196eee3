// SPDX-License-Identifier: LGPL-2.1-or-later
/* Asynchronous input and output: libaio and io_uring, buffered and direct. */
#include <sys/uio.h>

#include "parity.h"

enum { N = 16, BLOCK = 65536 };

/* Writes every block with its own pattern in one batch, then reads the blocks in another order. */
static void note_file(struct side *s, const char *name)
{
	note_stat(s, s->dir, name);
	note_content(s, name);
}

#if __has_include(<libaio.h>)
#include <libaio.h>

static void submit(struct side *s, const char *what, io_context_t ctx, struct iocb **list, int n)
{
	struct io_event events[N];
	long sum = 0;
	int done = 0;

	int r = io_submit(ctx, n, list);
	note(s, "%s: submitted %d", what, r);
	while (done < r) {
		int got = io_getevents(ctx, 1, N, events, NULL);

		if (got <= 0)
			break;
		for (int i = 0; i < got; i++)
			sum += (long)events[i].res;
		done += got;
	}
	note(s, "%s: %d done, results together %ld", what, done, sum);
}

static void libaio_with(struct side *s, const char *name, int flags)
{
	unsigned char *out = pattern(N * BLOCK, 1), *in = pattern(N * BLOCK, 2);
	struct iocb cbs[N], *list[N];
	struct iovec v[2] = { { in, 4096 }, { in + 8192, 4096 } };
	io_context_t ctx = NULL;
	int fd = FD(s, openat(s->dir, name, O_CREAT | O_RDWR | flags, 0644));

	MUST(io_setup(N, &ctx) == 0);
	for (int i = 0; i < N; i++) {
		int at = (i * 7) % N;

		list[i] = &cbs[i];
		io_prep_pwrite(&cbs[i], fd, out + at * BLOCK, BLOCK, (long long)at * BLOCK);
	}
	submit(s, "write", ctx, list, N);
	for (int i = 0; i < N; i++)
		io_prep_pread(&cbs[i], fd, in + i * BLOCK, BLOCK, (long long)i * BLOCK);
	submit(s, "read", ctx, list, N);
	note(s, "same %d", memcmp(in, out, N * BLOCK) == 0);
	io_prep_preadv(&cbs[0], fd, v, 2, 4096);
	io_prep_fsync(&cbs[1], fd);
	io_prep_fdsync(&cbs[2], fd);
	io_prep_pread(&cbs[3], fd, in, 4096, (long long)N * BLOCK - 4096);
	io_prep_pread(&cbs[4], fd, in, 4096, (long long)N * BLOCK * 2);
	submit(s, "others", ctx, list, 5);
	io_prep_pwrite(&cbs[0], -1, out, 4096, 0);
	submit(s, "bad descriptor", ctx, list, 1);
	io_destroy(ctx);
	note_file(s, name);
}

static void libaio(struct side *s)
{
	libaio_with(s, "f", 0);
}

static void libaio_direct(struct side *s)
{
	libaio_with(s, "f", O_DIRECT);
}
#else
static void libaio(struct side *s)
{
	note(s, "SKIP built without libaio");
}
#define libaio_direct libaio
#endif

#if __has_include(<liburing.h>)
#include <liburing.h>

static void finish(struct side *s, const char *what, struct io_uring *ring, int n)
{
	struct io_uring_cqe *cqe;
	long sum = 0;

	int r = io_uring_submit(ring);
	for (int i = 0; i < n; i++) {
		if (io_uring_wait_cqe(ring, &cqe) < 0)
			break;
		sum += cqe->res;
		if (cqe->res < 0)
			note(s, "%s: %s", what, strerrorname_np(-cqe->res));
		io_uring_cqe_seen(ring, cqe);
	}
	note(s, "%s: %d submitted, results together %ld", what, r, sum);
}

static bool ring_open(struct side *s, struct io_uring *ring)
{
	int r = io_uring_queue_init(2 * N, ring, 0);

	if (r < 0)
		note(s, "SKIP the kernel has no io_uring for us: %s", strerrorname_np(-r));
	return r == 0;
}

static void uring_with(struct side *s, const char *name, int flags)
{
	unsigned char *out = pattern(N * BLOCK, 1), *in = pattern(N * BLOCK, 2);
	struct iovec whole = { in, N * BLOCK }, v[2] = { { in, 4096 }, { in + 8192, 4096 } };
	struct io_uring ring;

	if (!ring_open(s, &ring))
		return;
	int fd = FD(s, openat(s->dir, name, O_CREAT | O_RDWR | flags, 0644));
	for (int i = 0; i < N; i++) {
		int at = (i * 5) % N;

		io_uring_prep_write(io_uring_get_sqe(&ring), fd, out + at * BLOCK, BLOCK,
				    (uint64_t)at * BLOCK);
	}
	finish(s, "write", &ring, N);
	for (int i = 0; i < N; i++)
		io_uring_prep_read(io_uring_get_sqe(&ring), fd, in + i * BLOCK, BLOCK,
				   (uint64_t)i * BLOCK);
	finish(s, "read", &ring, N);
	note(s, "same %d", memcmp(in, out, N * BLOCK) == 0);
	MUST(io_uring_register_buffers(&ring, &whole, 1) == 0);
	MUST(io_uring_register_files(&ring, &fd, 1) == 0);
	io_uring_prep_read_fixed(io_uring_get_sqe(&ring), fd, in + BLOCK, BLOCK, 0, 0);
	finish(s, "fixed read", &ring, 1);
	io_uring_prep_write_fixed(io_uring_get_sqe(&ring), fd, in, BLOCK, 5 * BLOCK, 0);
	finish(s, "fixed write", &ring, 1);
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
	io_uring_prep_readv(sqe, 0, v, 2, 4096);
	sqe->flags |= IOSQE_FIXED_FILE;
	finish(s, "registered file", &ring, 1);
	io_uring_prep_writev(io_uring_get_sqe(&ring), fd, v, 2, (uint64_t)N * BLOCK);
	finish(s, "vectors", &ring, 1);
	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_read(sqe, fd, in, 4096, 0);
	sqe->flags |= IOSQE_ASYNC;
	finish(s, "by a worker", &ring, 1);
	io_uring_prep_fsync(io_uring_get_sqe(&ring), fd, IORING_FSYNC_DATASYNC);
	finish(s, "fsync", &ring, 1);
	io_uring_queue_exit(&ring);
	note_file(s, name);
}

static void uring(struct side *s)
{
	uring_with(s, "f", 0);
}

static void uring_direct(struct side *s)
{
	uring_with(s, "f", O_DIRECT);
}

/* Operations on names and attributes through a ring. */
static void uring_names(struct side *s)
{
	struct io_uring_cqe *cqe;
	struct io_uring ring;
	struct statx stx;

	if (!ring_open(s, &ring))
		return;
	io_uring_prep_openat(io_uring_get_sqe(&ring), s->dir, "f", O_CREAT | O_RDWR, 0644);
	io_uring_submit(&ring);
	MUST(io_uring_wait_cqe(&ring, &cqe) == 0);
	int fd = cqe->res;
	io_uring_cqe_seen(&ring, cqe);
	note(s, "open: %s", fd < 0 ? strerrorname_np(-fd) : "fd");
	io_uring_prep_fallocate(io_uring_get_sqe(&ring), fd, 0, 0, 50000);
	finish(s, "fallocate", &ring, 1);
	io_uring_prep_statx(io_uring_get_sqe(&ring), s->dir, "f", 0, STATX_BASIC_STATS, &stx);
	finish(s, "statx", &ring, 1);
	note(s, "size %llu", stx.stx_size);
	io_uring_prep_mkdirat(io_uring_get_sqe(&ring), s->dir, "d", 0755);
	finish(s, "mkdir", &ring, 1);
	io_uring_prep_linkat(io_uring_get_sqe(&ring), s->dir, "f", s->dir, "d/g", 0);
	finish(s, "link", &ring, 1);
	io_uring_prep_symlinkat(io_uring_get_sqe(&ring), "f", s->dir, "l");
	finish(s, "symlink", &ring, 1);
	io_uring_prep_renameat(io_uring_get_sqe(&ring), s->dir, "f", s->dir, "h", RENAME_NOREPLACE);
	finish(s, "rename", &ring, 1);
	io_uring_prep_unlinkat(io_uring_get_sqe(&ring), s->dir, "d/g", 0);
	finish(s, "unlink", &ring, 1);
	io_uring_prep_fsetxattr(io_uring_get_sqe(&ring), fd, "user.a", "value", 0, 5);
	finish(s, "setxattr", &ring, 1);
	io_uring_prep_close(io_uring_get_sqe(&ring), fd);
	finish(s, "close", &ring, 1);
	io_uring_queue_exit(&ring);
	note_file(s, "h");
}

static void uring_splice(struct side *s)
{
	struct io_uring ring;
	int ends[2];

	if (!ring_open(s, &ring))
		return;
	put(s, "f", "spliced by a ring");
	int in = openat(s->dir, "f", O_RDONLY), out = openat(s->dir, "g", O_CREAT | O_RDWR, 0644);
	MUST(pipe(ends) == 0);
	io_uring_prep_splice(io_uring_get_sqe(&ring), in, 0, ends[1], -1, 17, 0);
	finish(s, "out", &ring, 1);
	io_uring_prep_splice(io_uring_get_sqe(&ring), ends[0], -1, out, 0, 17, 0);
	finish(s, "in", &ring, 1);
	io_uring_queue_exit(&ring);
	note_file(s, "g");
}
#else
static void uring(struct side *s)
{
	note(s, "SKIP built without liburing");
}
#define uring_direct uring
#define uring_names  uring
#define uring_splice uring
#endif

static const struct scenario scenarios[] = {
	{ "libaio", libaio, S_PASSED },
	{ "libaio-direct", libaio_direct, S_PASSED },
	{ "io-uring", uring, S_PASSED },
	{ "io-uring-direct", uring_direct, S_PASSED },
	{ "io-uring-names", uring_names, 0 },
	{ "io-uring-splice", uring_splice, S_PASSED },
	{},
};
const struct scenario_group group_aio = { "aio", scenarios };
