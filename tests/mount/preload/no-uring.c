// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * For LD_PRELOAD: makes io_uring fail. NO_URING says at which step:
 *
 *	setup		io_uring_setup(2) fails
 *	enable		the ring exists, and enabling it fails
 *	register	the kernel refuses the entries of both rings of one queue
 *	one		the kernel refuses the last entry of one ring of a queue
 *	late		the kernel gets the first entries of each ring a second late
 */
#include <dlfcn.h>
#include <errno.h>
#include <linux/io_uring.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SQE      128
#define N_SQE    64
#define REGISTER 1

static int victim = -1, twin = -1;
static char begins[1024]; /* rings by descriptor: nothing was submitted yet */

static int when(const char *word)
{
	const char *value = getenv("NO_URING");

	return value && strcmp(value, word) == 0;
}

/* Entries are registered with two buffers; the kernel refuses an entry without buffers. */
static void spoil(int fd, long n)
{
	char *sqes =
		mmap(NULL, SQE * N_SQE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, IORING_OFF_SQES);

	if (sqes == MAP_FAILED)
		abort();
	for (long i = n - 1; i >= 0; i--) {
		struct io_uring_sqe *sqe = (struct io_uring_sqe *)(sqes + SQE * i);

		if (sqe->opcode != IORING_OP_URING_CMD || sqe->cmd_op != REGISTER)
			continue;
		sqe->len = 0;
		if (when("one"))
			break;
	}
	munmap(sqes, SQE * N_SQE);
}

long syscall(long number, ...)
{
	static long (*next)(long, ...);
	long a[6], r;
	va_list args;

	va_start(args, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(args, long);
	va_end(args);
	if (!next)
		next = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
	if ((number == SYS_io_uring_setup && when("setup")) ||
	    (number == SYS_io_uring_register && when("enable"))) {
		errno = EPERM;
		return -1;
	}
	if (number == SYS_io_uring_enter && a[0] == victim && a[1] > 0 &&
	    (when("register") || when("one"))) {
		victim = -1;
		spoil((int)a[0], a[1]);
	} else if (number == SYS_io_uring_enter && a[0] == twin && a[1] > 0 && when("register")) {
		twin = -1;
		spoil((int)a[0], a[1]);
	}
	if (number == SYS_io_uring_enter && a[1] > 0 && begins[a[0]]) {
		begins[a[0]] = 0;
		sleep(1);
	}
	r = next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (number == SYS_io_uring_setup && r >= 0) {
		twin = victim;
		victim = (int)r;
		begins[r] = (char)when("late");
	}
	return r;
}
