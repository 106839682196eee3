// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The background process.
 *
 * The caller of a mount (a person, mount(8), systemd) takes exit code 0 as "the view is mounted",
 * and another code and the message as the reason why it is not. So the process forks first, the
 * child mounts, and the parent waits at a pipe for one report: an exit code, followed by the text
 * of a failure. A child that dies without a report is a failure as well: the pipe ends.
 *
 * The fork also has to come first because a view has threads, and threads do not survive a fork.
 *
 * Until the report the child keeps the caller's standard streams, so its warnings are printed
 * there.
 *
 * A signal that interrupts the parent ends the child as well: by SIGTERM, and by SIGKILL if that
 * takes too long. Both processes block these signals and read them, so that none is lost.
 */
#include "cmd/daemon.h"
#include "cmd/cmd.h"
#include "cmd/signals.h"
#include "util/cleanup.h"
#include "util/fd.h"

#include <penstock/penstock.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define END_SECONDS 10 /* for a child to end after SIGTERM */

struct report {
	unsigned char code; /* exit code */
	char text[sizeof(((struct pst_error *)0)->text)];
};

/* Waits for the child, and kills it after END_SECONDS. Returns its status of waitpid(2). */
static int reap(pid_t child)
{
	int status = 0;

	for (int i = 0; i < END_SECONDS * 100; i++) {
		if (waitpid(child, &status, WNOHANG) == child)
			return status;
		usleep(10000);
	}
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	return status;
}

/*
 * Reads the report until the child closes the pipe. Returns its length, 0 if the child has sent
 * none, -EINTR if a signal has arrived, or another -errno.
 */
static ssize_t read_report(int fd, int signal_fd, struct report *report)
{
	struct pollfd fds[] = { { fd, POLLIN, 0 }, { signal_fd, POLLIN, 0 } };
	size_t n = 0;

	for (;;) {
		ssize_t r;

		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return -errno;
		if (fds[1].revents)
			return -EINTR;
		if (!fds[0].revents)
			continue;
		r = read(fd, (char *)report + n, sizeof(*report) - 1 - n);
		if (r < 0)
			return -errno;
		n += r;
		if (r == 0 || n == sizeof(*report) - 1)
			return n;
	}
}

static _Noreturn void wait_for_report(pid_t child, int fd)
{
	_cleanup_(fd_closep) int signal_fd = -1;
	struct report report = { 0 };
	sigset_t ends;
	ssize_t n;
	int status;

	signals_ending(&ends);
	signal_fd = signalfd(-1, &ends, SFD_CLOEXEC);
	n = read_report(fd, signal_fd, &report);
	if (n == -EINTR) {
		cmd_error("interrupted: nothing is mounted");
		kill(child, SIGTERM);
		reap(child);
		exit(CMD_INTERRUPTED);
	}
	if (n > 0 && report.code == CMD_OK)
		exit(CMD_OK);
	if (n > 0) {
		if (report.text[0])
			cmd_error("%s", report.text);
		reap(child);
		exit(report.code);
	}

	status = reap(child);
	if (WIFSIGNALED(status))
		cmd_error("signal %d (%s) killed the process of the view before it could report "
			  "success; if a dead view is left at MOUNTPOINT, `penstock umount` "
			  "removes it. Please report this",
			  WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		cmd_error("the process of the view ended with exit status %d before it could "
			  "report success; if a dead view is left at MOUNTPOINT, `penstock "
			  "umount` removes it. Please report this",
			  WEXITSTATUS(status));
	exit(CMD_BUG);
}

int daemon_start(struct daemon *daemon)
{
	_cleanup_(fd_closep) int read_fd = -1;
	_cleanup_(fd_closep) int write_fd = -1;
	int fds[2];
	pid_t child;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	read_fd = fds[0];
	write_fd = fds[1];

	/* Output that is still in buffers must not be printed by both processes. */
	fflush(NULL);
	child = fork();
	if (child < 0)
		return -errno;
	if (child > 0) {
		write_fd = fd_close(write_fd);
		wait_for_report(child, read_fd);
	}
	setsid();
	daemon->report_fd = take_fd(&write_fd);
	return 0;
}

static void send_report(struct daemon *daemon, int code, const char *text)
{
	struct report report = { .code = code };
	size_t n = offsetof(struct report, text) + strnlen(text, sizeof(report.text) - 1);
	ssize_t r;

	memcpy(report.text, text, n - offsetof(struct report, text));
	/* A write of less than PIPE_BUF bytes is atomic. It fails if the parent has ended. */
	r = write(daemon->report_fd, &report, n);
	(void)r;
	daemon->report_fd = fd_close(daemon->report_fd);
}

int daemon_ready(struct daemon *daemon)
{
	_cleanup_(fd_closep) int null_fd = -1;

	if (daemon->report_fd < 0)
		return 0;
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null_fd < 0 || chdir("/") < 0)
		return -errno;
	fflush(NULL);
	for (int fd = 0; fd <= 2; fd++) {
		if (dup2(null_fd, fd) < 0)
			return -errno;
	}
	if (null_fd <= 2)
		take_fd(&null_fd);
	send_report(daemon, CMD_OK, "");
	return 0;
}

bool daemon_failed(struct daemon *daemon, int code, const char *text)
{
	if (daemon->report_fd < 0)
		return false;
	send_report(daemon, code, text);
	return true;
}
