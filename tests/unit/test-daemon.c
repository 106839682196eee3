// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Mounting in the background: the output and exit status of the command, for each way in which its
 * child can end. The command runs in a process of its own.
 */
#include "../test.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/daemon.h"
#include "cmd/signals.h"
#include "util/cleanup.h"
#include "util/fd.h"

/* Runs in the child once it is in the background. The child keeps hold_fd open while it lives. */
typedef void (*child_fn)(struct daemon *daemon, int hold_fd);

struct result {
	int status;     /* of the command, as waitpid() has it */
	char text[600]; /* what it said on standard error */
	int hold_fd;    /* readable at its end: the child is gone */
};

static _Noreturn void command(child_fn child, int error_fd, int hold_fd)
{
	struct daemon daemon = { .report_fd = -1 };
	struct rlimit no_core = { 0, 0 };

	setrlimit(RLIMIT_CORE, &no_core);
	dup2(error_fd, STDERR_FILENO);
	fd_close(error_fd);
	signals_block();
	if (daemon_start(&daemon) < 0)
		_exit(99);
	child(&daemon, hold_fd);
	_exit(0);
}

static pid_t start(child_fn child, int *ret_error_fd, int *ret_hold_fd)
{
	int errors[2], hold[2];
	pid_t pid;

	assert_int_equal(pipe(errors), 0);
	assert_int_equal(pipe(hold), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		fd_close(errors[0]);
		fd_close(hold[0]);
		command(child, errors[1], hold[1]);
	}
	fd_close(errors[1]);
	fd_close(hold[1]);
	*ret_error_fd = errors[0];
	*ret_hold_fd = hold[0];
	return pid;
}

static void finish(pid_t pid, int error_fd, struct result *result)
{
	size_t len = 0;
	ssize_t n;

	assert_int_equal(waitpid(pid, &result->status, 0), pid);
	/*
	 * A child in the background has closed its end of the pipe; else read(2) would wait for the
	 * child's end.
	 */
	while ((n = read(error_fd, result->text + len, sizeof(result->text) - 1 - len)) > 0)
		len += n;
	result->text[len] = '\0';
	fd_close(error_fd);
}

static struct result run(child_fn child)
{
	struct result result;
	int error_fd;
	pid_t pid = start(child, &error_fd, &result.hold_fd);

	finish(pid, error_fd, &result);
	return result;
}

/* Returns true if the child ends within ms. */
static int is_gone(int hold_fd, int ms)
{
	struct pollfd poll_fd = { hold_fd, POLLIN, 0 };

	return poll(&poll_fd, 1, ms) == 1;
}

/*
 * In the background, writes to the pipe what is wrong with directory, session and standard
 * descriptors.
 */
static void child_ready(struct daemon *daemon, int hold_fd)
{
	char directory[64];
	struct stat null, st;

	if (daemon_ready(daemon) < 0)
		_exit(1);
	if (!getcwd(directory, sizeof(directory)) || strcmp(directory, "/") != 0)
		dprintf(hold_fd, "the directory is %s; ", directory);
	if (getsid(0) != getpid())
		dprintf(hold_fd, "no session of its own; ");
	stat("/dev/null", &null);
	for (int fd = 0; fd <= 2; fd++) {
		if (fstat(fd, &st) < 0 || st.st_rdev != null.st_rdev)
			dprintf(hold_fd, "descriptor %d is not /dev/null; ", fd);
	}
	usleep(300000);
}

TEST(command_succeeds_once_child_is_in_background, state)
{
	struct result result = run(child_ready);
	char said[256] = "";

	assert_true(WIFEXITED(result.status));
	assert_int_equal(WEXITSTATUS(result.status), 0);
	assert_string_equal(result.text, "");
	assert_false(is_gone(result.hold_fd, 0));
	assert_int_equal(read(result.hold_fd, said, sizeof(said) - 1), 0);
	assert_string_equal(said, "");
	fd_close(result.hold_fd);
}

/* Reports an error that is longer than the pipe's message. */
static void child_complains(struct daemon *daemon, int hold_fd)
{
	char text[2000];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	daemon_failed(daemon, CMD_SYSTEM, text);
}

TEST(too_long_error_is_truncated, state)
{
	struct result result = run(child_complains);

	assert_int_equal(WEXITSTATUS(result.status), CMD_SYSTEM);
	assert_true(strlen(result.text) > 500);
	assert_true(is_gone(result.hold_fd, 0));
	fd_close(result.hold_fd);
}

static void child_crashes(struct daemon *daemon, int hold_fd)
{
	signal(SIGSEGV, SIG_DFL);
	raise(SIGSEGV);
}

static void child_vanishes(struct daemon *daemon, int hold_fd)
{
	_exit(7);
}

TEST(child_that_dies_without_report_is_an_internal_error, state)
{
	struct result result = run(child_crashes);

	assert_int_equal(WEXITSTATUS(result.status), CMD_BUG);
	assert_non_null(strstr(result.text, "signal 11"));
	fd_close(result.hold_fd);

	result = run(child_vanishes);
	assert_int_equal(WEXITSTATUS(result.status), CMD_BUG);
	assert_non_null(strstr(result.text, "ended with exit status 7"));
	fd_close(result.hold_fd);
}

/*
 * A mount that takes long: the child ends at the signal, which is blocked and which it waits for.
 */
static void child_waits(struct daemon *daemon, int hold_fd)
{
	sigset_t set;
	int number;

	signals_ending(&set);
	sigwait(&set, &number);
}

TEST(signal_to_command_ends_child, state)
{
	struct result result;
	int error_fd;
	pid_t pid = start(child_waits, &error_fd, &result.hold_fd);

	usleep(100000);
	assert_false(is_gone(result.hold_fd, 0));
	kill(pid, SIGINT);
	finish(pid, error_fd, &result);
	assert_int_equal(WEXITSTATUS(result.status), CMD_INTERRUPTED);
	assert_non_null(strstr(result.text, "interrupted"));
	assert_true(is_gone(result.hold_fd, 0));
	fd_close(result.hold_fd);
}

/* A process in the foreground has no command that waits for it. */
TEST(foreground_process_reports_to_nobody, state)
{
	struct daemon daemon = { .report_fd = -1 };

	assert_int_equal(daemon_ready(&daemon), 0);
	assert_false(daemon_failed(&daemon, CMD_FAILED, "text"));
}

TEST_MAIN(NULL, NULL)
