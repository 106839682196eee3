// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * io FLAGS FILE STEP...: opens a file and does a step for each argument. Prints one line for each
 * step: its result, or the name of its error. FLAGS are words with '+': r, w, rw, create, append,
 * direct, sync, tmpfile. FILE "-" is standard input. Steps:
 *
 *	read N, pread AT N, preadv AT N	prints the number of bytes and the first ones as text
 *	write TEXT, pwrite AT TEXT, pwritev AT TEXT, fill AT N CHAR
 *	seek set|cur|end|data|hole AT
 *	advise AT N			POSIX_FADV_WILLNEED
 *	peek shared|private AT		maps the file, prints a byte
 *	poke shared|private AT CHAR	maps the file, stores a byte, prints "0"
 *	send N, splice AT N		by sendfile and by splice to a pipe; prints the data
 *	fill-by-splice AT TEXT		by splice from a pipe
 *	copy TO AT N			copy_file_range to the beginning of another file
 *	aread AT N, awrite AT TEXT	by io_submit(2)
 *	uread AT N, uwrite AT TEXT	by io_uring
 *	fallocate AT N, truncate N, fsync, datasync, close, mode
 *	setx NAME VALUE, getx NAME, listx, rmx NAME	extended attributes
 *	lock AT N, test AT N		a POSIX lock; "test" in a child, prints "free" or "held PID"
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define ROOM  (16 << 20)
#define SHOWN 16

static char *buffer;
static int fd;

struct step {
	const char *verb;
	char arg[3][64];
};

static long number(const struct step *step, int i)
{
	return strtol(step->arg[i], NULL, 0);
}

/* Prints the number of bytes in the buffer, and the first ones. */
static void show(ssize_t n)
{
	if (n < 0) {
		puts(strerrorname_np(errno));
		return;
	}
	printf("%zd", n);
	for (ssize_t i = 0; i < n && i < SHOWN; i++)
		printf("%s%c", i ? "" : " ", buffer[i] > ' ' && buffer[i] < 127 ? buffer[i] : '.');
	puts("");
}

static void result(ssize_t n)
{
	if (n < 0)
		puts(strerrorname_np(errno));
	else
		printf("%zd\n", n);
}

/* Asynchronous interfaces return -errno. */
static ssize_t as_errno(long r)
{
	if (r >= 0)
		return r;
	errno = (int)-r;
	return -1;
}

static struct iovec *halves(size_t n)
{
	static struct iovec v[2];

	v[0] = (struct iovec){ buffer, n / 2 };
	v[1] = (struct iovec){ buffer + n / 2, n - n / 2 };
	return v;
}

static size_t put(const char *text)
{
	return strlen(strcpy(buffer, text));
}

static void transfer(const struct step *step)
{
	const char *verb = step->verb;
	size_t n;

	if (strcmp(verb, "read") == 0)
		show(read(fd, buffer, number(step, 0)));
	else if (strcmp(verb, "pread") == 0)
		show(pread(fd, buffer, number(step, 1), number(step, 0)));
	else if (strcmp(verb, "preadv") == 0)
		show(preadv(fd, halves(number(step, 1)), 2, number(step, 0)));
	else if (strcmp(verb, "write") == 0)
		n = put(step->arg[0]), result(write(fd, buffer, n));
	else if (strcmp(verb, "pwrite") == 0)
		n = put(step->arg[1]), result(pwrite(fd, buffer, n, number(step, 0)));
	else if (strcmp(verb, "pwritev") == 0)
		n = put(step->arg[1]), result(pwritev(fd, halves(n), 2, number(step, 0)));
	else {
		n = number(step, 1);
		memset(buffer, step->arg[2][0], n);
		result(pwrite(fd, buffer, n, number(step, 0)));
	}
}

static void map(const struct step *step)
{
	int shared = strcmp(step->arg[0], "shared") == 0, store = strcmp(step->verb, "poke") == 0;
	long at = number(step, 1);
	char *p = mmap(NULL, at + 1, store ? PROT_READ | PROT_WRITE : PROT_READ,
		       shared ? MAP_SHARED : MAP_PRIVATE, fd, 0);

	if (p == MAP_FAILED) {
		puts(strerrorname_np(errno));
		return;
	}
	if (!store) {
		printf("%c\n", ((volatile char *)p)[at]);
	} else {
		((volatile char *)p)[at] = step->arg[2][0];
		result(shared ? msync(p, at + 1, MS_SYNC) : 0);
	}
	munmap(p, at + 1);
}

static void by_pipe(const struct step *step)
{
	off_t at = 0, place = number(step, 0);
	int ends[2];
	ssize_t n;

	if (pipe(ends) < 0 || fcntl(ends[1], F_SETPIPE_SZ, 1 << 20) < 0)
		err(2, "pipe");
	if (strcmp(step->verb, "send") == 0) {
		n = sendfile(ends[1], fd, &at, place);
	} else if (strcmp(step->verb, "splice") == 0) {
		n = splice(fd, &place, ends[1], NULL, number(step, 1), 0);
	} else {
		n = write(ends[1], step->arg[1], strlen(step->arg[1]));
		result(splice(ends[0], NULL, fd, &place, n, 0));
		close(ends[0]);
		close(ends[1]);
		return;
	}
	show(n <= 0 ? n : read(ends[0], buffer, n));
	close(ends[0]);
	close(ends[1]);
}

static void copy(const struct step *step)
{
	int out = open(step->arg[0], O_WRONLY | O_CREAT, 0644);
	off_t from = number(step, 1), to = 0;

	if (out < 0)
		err(2, "%s", step->arg[0]);
	result(copy_file_range(fd, &from, out, &to, number(step, 2), 0));
	close(out);
}

static void by_aio(const struct step *step)
{
	int reads = strcmp(step->verb, "aread") == 0;
	struct iocb cb = {
		.aio_lio_opcode = reads ? IOCB_CMD_PREAD : IOCB_CMD_PWRITE,
		.aio_fildes = (unsigned int)fd,
		.aio_buf = (uintptr_t)buffer,
		.aio_nbytes = reads ? (size_t)number(step, 1) : put(step->arg[1]),
		.aio_offset = number(step, 0),
	};
	struct iocb *list[] = { &cb };
	struct io_event event = { 0 };
	aio_context_t ctx = 0;

	if (syscall(SYS_io_setup, 1, &ctx) < 0) {
		printf("absent %s\n", step->verb);
		return;
	}
	long r = syscall(SYS_io_submit, ctx, 1, list);
	if (r == 1 && syscall(SYS_io_getevents, ctx, 1, 1, &event, NULL) == 1)
		r = as_errno((long)event.res);
	(reads ? show : result)(r);
	syscall(SYS_io_destroy, ctx);
}

/* Submits one entry without liburing, which is not installed everywhere. */
static void by_uring(const struct step *step)
{
	int reads = strcmp(step->verb, "uread") == 0;
	struct io_uring_params p = { 0 };
	int ring = (int)syscall(SYS_io_uring_setup, 1, &p);

	if (ring < 0) {
		printf("absent %s\n", step->verb);
		return;
	}
	char *sq = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
	char *cq = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_CQ_RING);
	struct io_uring_sqe *sqe =
		mmap(NULL, sizeof(*sqe), PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES);
	if (sq == MAP_FAILED || cq == MAP_FAILED || sqe == MAP_FAILED)
		err(2, "io_uring");
	*sqe = (struct io_uring_sqe){
		.opcode = reads ? IORING_OP_READ : IORING_OP_WRITE,
		.fd = fd,
		.off = (uint64_t)number(step, 0),
		.addr = (uintptr_t)buffer,
		.len = (uint32_t)(reads ? (size_t)number(step, 1) : put(step->arg[1])),
	};
	*(unsigned int *)(sq + p.sq_off.array) = 0;
	__atomic_store_n((unsigned int *)(sq + p.sq_off.tail), 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
		err(2, "io_uring");
	(reads ? show : result)(as_errno(((struct io_uring_cqe *)(cq + p.cq_off.cqes))->res));
	close(ring);
}

static void seek(const struct step *step)
{
	static const char *const words[] = { "set", "cur", "end", "data", "hole" };
	static const int whence[] = { SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA, SEEK_HOLE };

	for (int i = 0; i < 5; i++)
		if (strcmp(step->arg[0], words[i]) == 0)
			result(lseek(fd, number(step, 1), whence[i]));
}

static void lock(const struct step *step)
{
	struct flock lk = { .l_type = F_WRLCK,
			    .l_start = number(step, 0),
			    .l_len = number(step, 1) };

	if (strcmp(step->verb, "lock") == 0) {
		result(fcntl(fd, F_SETLK, &lk));
		return;
	}
	fflush(stdout);
	if (fork() == 0) {
		if (fcntl(fd, F_GETLK, &lk) < 0)
			puts(strerrorname_np(errno));
		else if (lk.l_type == F_UNLCK)
			puts("free");
		else
			printf("held %d\n", lk.l_pid);
		exit(0);
	}
	wait(NULL);
}

static void attribute(const struct step *step)
{
	const char *verb = step->verb, *name = step->arg[0], *value = step->arg[1];
	ssize_t n;

	if (strcmp(verb, "setx") == 0) {
		result(fsetxattr(fd, name, value, strlen(value), 0));
	} else if (strcmp(verb, "rmx") == 0) {
		result(fremovexattr(fd, name));
	} else if (strcmp(verb, "getx") == 0) {
		/* Asks for the size first, as libraries do. */
		n = fgetxattr(fd, name, NULL, 0);
		show(n <= 0 ? n : fgetxattr(fd, name, buffer, (size_t)n));
	} else {
		n = flistxattr(fd, NULL, 0);
		n = n <= 0 ? n : flistxattr(fd, buffer, (size_t)n);
		for (ssize_t i = 0; i < n; i += (ssize_t)strlen(buffer + i) + 1)
			printf("%s ", buffer + i);
		puts(n < 0 ? strerrorname_np(errno) : ".");
	}
}

static void other(const struct step *step)
{
	struct stat st = { 0 };

	if (strcmp(step->verb, "advise") == 0)
		result(as_errno(
			-posix_fadvise(fd, number(step, 0), number(step, 1), POSIX_FADV_WILLNEED)));
	else if (strcmp(step->verb, "fallocate") == 0)
		result(fallocate(fd, 0, number(step, 0), number(step, 1)));
	else if (strcmp(step->verb, "truncate") == 0)
		result(ftruncate(fd, number(step, 0)));
	else if (strcmp(step->verb, "fsync") == 0)
		result(fsync(fd));
	else if (strcmp(step->verb, "datasync") == 0)
		result(fdatasync(fd));
	else if (strcmp(step->verb, "close") == 0)
		result(close(fd));
	else if (strcmp(step->verb, "mode") == 0)
		fstat(fd, &st), printf("%o\n", st.st_mode);
	else
		errx(2, "no such step: %s", step->verb);
}

static const struct {
	const char *verbs;
	void (*run)(const struct step *step);
} steps[] = {
	{ " read pread preadv write pwrite pwritev fill ", transfer },
	{ " peek poke ", map },
	{ " send splice fill-by-splice ", by_pipe },
	{ " copy ", copy },
	{ " aread awrite ", by_aio },
	{ " uread uwrite ", by_uring },
	{ " seek ", seek },
	{ " setx getx listx rmx ", attribute },
	{ " lock test ", lock },
	{ NULL, other },
};

static void take(char *text)
{
	struct step step = { .verb = strtok(text, " ") };
	char padded[32], *word;

	for (int i = 0; i < 3 && (word = strtok(NULL, " ")); i++)
		snprintf(step.arg[i], sizeof(step.arg[i]), "%s", word);
	snprintf(padded, sizeof(padded), " %s ", step.verb);
	for (int i = 0;; i++) {
		if (!steps[i].verbs || strstr(steps[i].verbs, padded)) {
			steps[i].run(&step);
			return;
		}
	}
}

static int flags_of(char *text)
{
	static const struct {
		const char *word;
		int flag;
	} words[] = {
		{ "r", O_RDONLY },     { "w", O_WRONLY },        { "rw", O_RDWR },
		{ "create", O_CREAT }, { "append", O_APPEND },   { "direct", O_DIRECT },
		{ "sync", O_SYNC },    { "tmpfile", O_TMPFILE },
	};
	int flags = 0;

	for (char *word = strtok(text, "+"); word; word = strtok(NULL, "+"))
		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
			if (strcmp(word, words[i].word) == 0)
				flags |= words[i].flag;
	return flags;
}

int main(int argc, char **argv)
{
	if (argc < 3)
		errx(2, "io FLAGS FILE STEP...");
	setvbuf(stdout, NULL, _IOLBF, 0);
	buffer = aligned_alloc(4096, ROOM);
	if (!buffer)
		err(2, "memory");
	memset(buffer, 0, ROOM);
	fd = strcmp(argv[2], "-") == 0 ? 0 : open(argv[2], flags_of(argv[1]), 0644);
	if (fd < 0) {
		puts(strerrorname_np(errno));
		return 1;
	}
	for (int i = 3; i < argc; i++)
		take(argv[i]);
	return 0;
}
