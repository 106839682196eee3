// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Tries whether commands run in views here. No rule says that: the kernel, containers, security
 * modules and limits can each forbid a step. So this file runs a command. No state, no locks.
 */
#include "run/try.h"
#include "run/run.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void be_quiet(enum pst_log_level level, const char *text)
{
	(void)level;
	(void)text;
}

static int become(uid_t uid)
{
	if (uid == geteuid())
		return 0;
	if (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
		return -errno;
	/* The kernel has cleared it, and with it the right to write the maps in /proc/self. */
	return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0 ? -errno : 0;
}

/* Writes to fd why the command does not run, or nothing. */
static _Noreturn void child(const struct pst_view_options *view, uid_t uid, int fd)
{
	char *command[] = { "true", NULL };
	struct run_options options = { .view = view, .command = command, .print = be_quiet };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct run_end end = { 0 };

	/* run_command() closes all but the standard streams. */
	if (dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(fd, 2) < 0)
		dprintf(fd, "cannot open /dev/null: %s", strerror(errno));
	else if (become(uid) < 0)
		dprintf(fd, "this process cannot become user %u: %s", uid, strerror(errno));
	else if (chdir("/") == 0)
		run_command(&options, &end);
	if (end.text[0] || end.code)
		dprintf(2, "%s", end.text[0] ? end.text : "the command true(1) failed");
	_exit(0);
}

int run_try(const struct pst_view_options *view, uid_t uid, struct pst_error *error)
{
	struct pst_error failed = { 0 };
	size_t len = 0;
	pid_t pid;
	ssize_t n;
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return error_set(error, -errno, "cannot make a pipe: %s", strerror(errno));
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		child(view, uid, fds[1]);
	close(fds[1]);
	while (pid > 0 && (n = read(fds[0], failed.text + len, sizeof(failed.text) - 1 - len)) > 0)
		len += (size_t)n;
	close(fds[0]);
	if (pid < 0 || waitpid(pid, NULL, 0) < 0)
		return error_set(error, -errno, "cannot start a process: %s", strerror(errno));
	return len ? error_set(error, -EPERM, "%s", failed.text) : 0;
}
