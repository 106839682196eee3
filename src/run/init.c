// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The first process of the command's PID namespace. It reaps processes, and tells the supervisor
 * (supervise.c) when the command has stopped or ended.
 *
 * It is in the process group of the command, and blocks all signals. So a signal that it finds
 * pending was sent to the group, and the command has got it from the kernel: it sends the command
 * no second one when the supervisor reports the same signal.
 *
 * The command may be root in the same user namespace, but cannot read or trace this process,
 * because this process is not dumpable and its memory belongs to the user namespace outside. No
 * locks.
 */
#include "run/init.h"
#include "run/descriptors.h"
#include "run/namespaces.h"
#include "run/note.h"
#include "run/run.h"
#include "run/system-calls.h"
#include "util/clock.h"
#include "util/log.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define GROUP_MS 100 /* signals to a group reach its processes within this time */
#define RACE_MS  2   /* the kernel has by then sent a signal to the whole group */

struct init {
	int fd;        /* to the supervisor */
	int signal_fd; /* all signals */
	pid_t command;
	bool child;              /* SIGCHLD has arrived */
	uint32_t seen_ms[_NSIG]; /* clock_ms() when the group got the signal, or 0 */
};

static _Noreturn void fail(int fd, int code, const char *text)
{
	note_send(fd, NOTE_FAILED, code, text);
	_exit(code);
}

/* -- the command ------------------------------------------------------------------------------ */

static _Noreturn void exec_command(const struct init_options *options, int fd)
{
	char **command = options->command;
	char text[512];
	int error;

	sigprocmask(SIG_SETMASK, &options->mask, NULL);
	/* The kernel opens the program for this process, and the record names who opens a file. */
	prctl(PR_SET_NAME, strrchr(command[0], '/') ? strrchr(command[0], '/') + 1 : command[0]);
	execvp(command[0], command);
	error = errno;
	snprintf(text, sizeof(text), "cannot run %.200s: %s", command[0], strerror(error));
	fail(fd, error == ENOENT ? RUN_NOT_FOUND : RUN_NOT_STARTED, text);
}

static pid_t start_command(const struct init_options *options, int fd)
{
	pid_t child = fork();

	if (child < 0)
		fail(fd, RUN_FAILED, "cannot start a process for the command");
	if (child == 0)
		exec_command(options, fd);
	return child;
}

/* -- signals ---------------------------------------------------------------------------------- */

static void read_signals(struct init *init)
{
	struct signalfd_siginfo info;

	while (read(init->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		init->child |= info.ssi_signo == SIGCHLD;
		init->seen_ms[info.ssi_signo] = clock_ms() ?: 1;
	}
}

/* Sends the command a signal that the supervisor has got, unless the whole group has got it. */
static void forward(struct init *init, int number)
{
	uint32_t *seen_ms = &init->seen_ms[number];

	usleep(RACE_MS * 1000);
	read_signals(init);
	if (!*seen_ms || clock_ms() - *seen_ms > GROUP_MS)
		kill(init->command, number);
	*seen_ms = 0;
}

/* Reaps processes. Does not return after the end of the command. */
static void reap(struct init *init)
{
	int status;
	pid_t pid;

	init->child = false;
	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
		if (pid != init->command)
			continue;
		if (WIFSTOPPED(status)) {
			note_send(init->fd, NOTE_STOPPED, WSTOPSIG(status), NULL);
			continue;
		}
		note_send(init->fd, NOTE_EXITED, status, NULL);
		_exit(0);
	}
}

_Noreturn void init_main(const struct init_options *options, int fd)
{
	struct init init = { .fd = fd };
	struct pst_error error = { 0 };
	struct pollfd fds[2] = { { .fd = fd, .events = POLLIN }, { .events = POLLIN } };
	struct note note;
	sigset_t all;

	if (namespaces_of_command(options->tree, options->audit, fd, &error) < 0)
		fail(fd, RUN_FAILED, error.text);
	if (chdir(options->cwd) < 0) {
		snprintf(error.text, sizeof(error.text),
			 "the working directory %.300s cannot be entered in the view: %s",
			 options->cwd, strerror(errno));
		fail(fd, RUN_FAILED, error.text);
	}
	/* After the last change of credentials, because these clear both. */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (system_calls_forbid(&error) < 0)
		fail(fd, RUN_FAILED, error.text);
	sigfillset(&all);
	init.signal_fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	if (init.signal_fd < 0)
		fail(fd, RUN_FAILED, "cannot wait for signals");
	init.command = start_command(options, fd);
	descriptors_keep(fd, init.signal_fd);
	descriptors_detach(true);
	if (chdir("/") < 0)
		_exit(1);

	fds[1].fd = init.signal_fd;
	for (;;) {
		if (poll(fds, 2, -1) < 0)
			continue;
		read_signals(&init);
		if (fds[0].revents) {
			/* Without the supervisor this namespace ends. */
			if (note_receive(fd, &note) <= 0)
				_exit(1);
			forward(&init, note.value);
		}
		if (init.child)
			reap(&init);
	}
}
