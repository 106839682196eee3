// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Measures F_SETDELEG (Linux 6.19) on the file system of DIR.
 *
 * delegations DIR [ROUNDS]	Prints a line for each operation of another process: the delegation
 *				that it broke (of a directory, or of a file in it), and its time
 *				beside the time without a delegation: half of ROUNDS, and the
 *				longest, in microseconds. A thread of real-time priority returns the
 *				delegations. Exit 1: other operations break them than this file says.
 * delegations DIR 0 COMMAND	Runs COMMAND while both are held and nobody returns them. Prints its
 *				time, and exits as it does.
 *
 * Exit 77: this kernel has no delegations.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#ifndef F_SETDELEG
#define F_SETDELEG (1024 + 16)
struct delegation {
	unsigned int d_flags;
	unsigned short d_type;
	unsigned short pad;
};
#endif

#define BREAK_SIGNAL (SIGRTMIN + 3)

static int dir_fd, file_fd; /* what is delegated */
static int n_rounds = 200;
static _Atomic int n_dir_breaks, n_file_breaks;

static double now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static int delegate(int fd, int type)
{
	struct delegation delegation = { .d_type = (unsigned short)type };

	if (type != F_UNLCK && fcntl(fd, F_SETSIG, BREAK_SIGNAL) < 0)
		err(2, "F_SETSIG");
	return fcntl(fd, F_SETDELEG, &delegation) < 0 ? -errno : 0;
}

/* The thread that returns the delegations. */
static void *give_back(void *arg)
{
	struct sched_param first = { .sched_priority = 1 };
	siginfo_t info;
	sigset_t set;

	(void)arg;
	sched_setscheduler(0, SCHED_FIFO, &first);
	sigemptyset(&set);
	sigaddset(&set, BREAK_SIGNAL);
	for (;;) {
		if (sigwaitinfo(&set, &info) < 0)
			continue;
		*(info.si_fd == dir_fd ? &n_dir_breaks : &n_file_breaks) += 1;
		delegate(info.si_fd, F_UNLCK);
	}
	return NULL;
}

/* -- operations, each with the function that undoes it ----------------------------------------- */

static int opened(int fd)
{
	return fd < 0 ? -1 : close(fd);
}

static int create(void)
{
	return opened(open("new", O_CREAT | O_EXCL | O_WRONLY, 0600));
}
static int unlink_new(void)
{
	return unlink("new");
}
static int make_dir(void)
{
	return mkdir("newdir", 0700);
}
static int remove_dir(void)
{
	return rmdir("newdir");
}
static int give_name(void)
{
	return link("file", "new");
}
static int rename_it(void)
{
	return rename("file", "moved");
}
static int rename_back(void)
{
	return rename("moved", "file");
}
static int replace(void)
{
	return rename("spare", "file2");
}
static int make_spare(void)
{
	return opened(open("file2", O_CREAT | O_WRONLY, 0600)) ||
	       opened(open("spare", O_CREAT | O_WRONLY, 0600));
}
static int chmod_file(void)
{
	return chmod("file", 0640);
}
static int touch_file(void)
{
	return utimensat(AT_FDCWD, "file", NULL, 0);
}
static int set_xattr(void)
{
	return setxattr("file", "trusted.x", "y", 1, 0);
}
static int chmod_dir(void)
{
	return chmod(".", 0755);
}
static int open_write(void)
{
	return opened(open("file", O_WRONLY));
}
static int open_nowait(void)
{
	return opened(open("file", O_WRONLY | O_NONBLOCK));
}
static int truncate_it(void)
{
	return truncate("file", 100);
}
static int open_read(void)
{
	return opened(open("file", O_RDONLY));
}
static int chmod_other(void)
{
	return chmod("other", 0640);
}
static int append_other(void)
{
	int fd = open("other", O_WRONLY | O_APPEND);

	return write(fd, "x", 1) != 1 || close(fd) ? -1 : 0;
}
static int list(void)
{
	struct stat st;

	return stat("file", &st) || opened(open(".", O_RDONLY));
}
static int nothing(void)
{
	return 0;
}

enum { NONE, DIRECTORY, FILE_ITSELF, BOTH };
static const char *const breaks[] = { "nothing", "directory", "file", "directory, file" };

static const struct op {
	const char *name;
	int breaks;
	int error; /* that it fails with, instead of waiting */
	int (*before)(void), (*act)(void), (*after)(void);
} ops[] = {
	{ "look", NONE, 0, nothing, list, nothing },
	{ "create", DIRECTORY, 0, nothing, create, unlink_new },
	{ "unlink", DIRECTORY, 0, create, unlink_new, nothing },
	{ "mkdir", DIRECTORY, 0, nothing, make_dir, remove_dir },
	{ "rmdir", DIRECTORY, 0, make_dir, remove_dir, nothing },
	{ "link", BOTH, 0, nothing, give_name, unlink_new },
	{ "rename", BOTH, 0, nothing, rename_it, rename_back },
	{ "replace", DIRECTORY, 0, make_spare, replace, nothing },
	{ "chmod-directory", DIRECTORY, 0, nothing, chmod_dir, nothing },
	{ "chmod", FILE_ITSELF, 0, nothing, chmod_file, nothing },
	{ "utimens", FILE_ITSELF, 0, nothing, touch_file, nothing },
	{ "setxattr", FILE_ITSELF, 0, nothing, set_xattr, nothing },
	{ "open-read", NONE, 0, nothing, open_read, nothing },
	{ "open-write", FILE_ITSELF, 0, nothing, open_write, nothing },
	{ "open-write-nowait", FILE_ITSELF, EAGAIN, nothing, open_nowait, nothing },
	{ "truncate", FILE_ITSELF, 0, nothing, truncate_it, nothing },
	{ "chmod-another-file", NONE, 0, nothing, chmod_other, nothing },
	{ "append-to-another-file", NONE, 0, nothing, append_other, nothing },
};

/* -- measuring --------------------------------------------------------------------------------- */

static int by_size(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void *shared_memory(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		err(2, "mmap");
	return memory;
}

struct figures {
	double half, longest;
	int error;
};

/* Measures op in a process of its own. The parent delegates before each round. */
static struct figures measure(const struct op *op, bool delegated, double *us)
{
	struct figures *shared = shared_memory(sizeof(*shared));
	struct figures result;
	int go[2], done[2];
	char c = 0;

	if (pipe(go) < 0 || pipe(done) < 0)
		err(2, "pipe");
	if (fork() == 0) {
		close(go[1]);
		for (int i = 0; i < n_rounds; i++) {
			double before;

			if (read(go[0], &c, 1) != 1)
				break;
			before = now_us();
			if (op->act() < 0)
				shared->error = errno;
			us[i] = now_us() - before;
			if (write(done[1], &c, 1) != 1)
				break;
		}
		qsort(us, (size_t)n_rounds, sizeof(*us), by_size);
		shared->half = us[n_rounds / 2];
		shared->longest = us[n_rounds - 1];
		_exit(0);
	}
	close(go[0]);
	close(done[1]);
	for (int i = 0; i < n_rounds; i++) {
		op->before();
		if (delegated && (delegate(dir_fd, F_RDLCK) < 0 || delegate(file_fd, F_RDLCK) < 0))
			err(2, "F_SETDELEG");
		if (write(go[1], &c, 1) != 1 || read(done[0], &c, 1) != 1)
			errx(2, "%s: the other process ended", op->name);
		delegate(dir_fd, F_UNLCK);
		delegate(file_fd, F_UNLCK);
		op->after();
	}
	close(go[1]);
	close(done[0]);
	wait(NULL);
	result = *shared;
	munmap(shared, sizeof(*shared));
	return result;
}

static bool trial(const struct op *op, double *us)
{
	struct figures without = measure(op, false, us), with;
	int broken;

	n_dir_breaks = n_file_breaks = 0;
	with = measure(op, true, us);
	broken = (n_dir_breaks ? DIRECTORY : NONE) | (n_file_breaks ? FILE_ITSELF : NONE);
	printf("%s: breaks %s; %.0f us, longest %.0f; without %.0f, longest %.0f%s%s\n", op->name,
	       breaks[broken], with.half, with.longest, without.half, without.longest,
	       with.error ? "; " : "", with.error ? strerror(with.error) : "");
	fflush(stdout);
	return broken == op->breaks && with.error == op->error && !without.error;
}

/* Measures taking and returning a delegation, and creating a file under an own delegation. */
static void own_costs(void)
{
	double before = now_us(), pair, plain, kept;

	for (int i = 0; i < n_rounds; i++) {
		delegate(dir_fd, F_RDLCK);
		delegate(dir_fd, F_UNLCK);
	}
	pair = (now_us() - before) / n_rounds;
	before = now_us();
	for (int i = 0; i < n_rounds; i++) {
		create();
		unlink_new();
	}
	plain = (now_us() - before) / n_rounds;
	before = now_us();
	for (int i = 0; i < n_rounds; i++) {
		delegate(dir_fd, F_RDLCK);
		create();
		unlink_new();
	}
	kept = (now_us() - before) / n_rounds;
	delegate(dir_fd, F_UNLCK);
	printf("taken and given back: %.1f us; create and unlink: %.1f us, by the holder itself: %.1f us\n",
	       pair, plain, kept);
}

static int hold(const char *command)
{
	double before = now_us();
	int status = system(command);

	printf("%s: %.0f ms, status %d\n", command, (now_us() - before) / 1000,
	       WEXITSTATUS(status));
	return WEXITSTATUS(status);
}

static void open_them(const char *dir)
{
	if (chdir(dir) < 0 || opened(open("file", O_CREAT | O_WRONLY, 0600)) ||
	    opened(open("other", O_CREAT | O_WRONLY, 0600)))
		err(2, "%s", dir);
	dir_fd = open(".", O_RDONLY | O_DIRECTORY);
	file_fd = open("file", O_RDONLY);
	if (delegate(dir_fd, F_RDLCK) < 0 || delegate(file_fd, F_RDLCK) < 0) {
		printf("no delegations: %s\n", strerror(errno));
		exit(errno == EINVAL ? 77 : 1);
	}
}

int main(int argc, char **argv)
{
	pthread_t thread;
	sigset_t set;
	double *us;
	bool ok = true;

	if (argc < 2)
		errx(2, "usage: delegations DIR [ROUNDS | 0 COMMAND]");
	if (argc > 2)
		n_rounds = atoi(argv[2]);
	sigemptyset(&set);
	sigaddset(&set, BREAK_SIGNAL);
	sigprocmask(SIG_BLOCK, &set, NULL);
	open_them(argv[1]);
	if (argc > 3)
		return hold(argv[3]);
	us = shared_memory((size_t)n_rounds * sizeof(*us));
	if (pthread_create(&thread, NULL, give_back, NULL) != 0)
		errx(2, "no thread");
	delegate(dir_fd, F_UNLCK);
	delegate(file_fd, F_UNLCK);
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		ok = trial(&ops[i], us) && ok;
	own_costs();
	return !ok;
}
