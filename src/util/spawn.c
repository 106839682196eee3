// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Starts children with clone(2), because posix_spawn(3) cannot leave out SIGCHLD. The child shares
 * the memory of this process until it executes the program, and this thread sleeps meanwhile. All
 * signals are blocked, so that no handler runs in the child. No state, no locks.
 */
#include "util/spawn.h"
#include "util/cleanup.h"
#include "util/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK_SIZE (128 << 10)

struct child {
	const struct spawn *spawn;
	int error; /* written by the child if it cannot execute the program */
};

/* Makes fd the child's descriptor to, unless fd is -1. */
static int give(int fd, int to)
{
	if (fd < 0)
		return 0;
	/* dup2() would leave the flag FD_CLOEXEC. */
	return fd == to ? fcntl(fd, F_SETFD, 0) : dup2(fd, to);
}

static int run_child(void *aux)
{
	struct child *child = aux;
	const struct spawn *spawn = child->spawn;
	const struct sigaction action = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		sigaction(i, &action, NULL);
	if (give(spawn->errors, STDERR_FILENO) >= 0 && give(spawn->third, 3) >= 0) {
		if (spawn->close_rest)
			close_range(4, ~0U, 0);
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		execvpe(spawn->file, spawn->argv, spawn->envp);
	}
	child->error = -errno;
	_exit(127);
}

pid_t spawn(const struct spawn *spawn)
{
	char *stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	struct child child = { .spawn = spawn };
	sigset_t all, before;
	pid_t pid;

	if (stack == MAP_FAILED)
		return -errno;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pid = clone(run_child, stack + STACK_SIZE, CLONE_VM | CLONE_VFORK, &child);
	if (pid < 0)
		pid = -errno;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	munmap(stack, STACK_SIZE);
	if (!child.error)
		return pid;
	spawn_wait(pid, -1, NULL);
	return child.error;
}

bool spawn_wait(pid_t pid, int ms, int *ret_status)
{
	_cleanup_(fd_closep) int fd = ms < 0 ? -1 : (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd ends = { .fd = fd, .events = POLLIN };
	pid_t r;

	while (fd >= 0 && poll(&ends, 1, ms) < 0 && errno == EINTR)
		;
	do
		r = waitpid(pid, ret_status, __WALL | (ms < 0 ? 0 : WNOHANG));
	while (r < 0 && errno == EINTR);
	return r != 0;
}
