// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The process of `penstock run`, while the command runs. The shell waits for this process and not
 * for the command. So this process stops when the command has stopped, and passes signals on to the
 * command, except signals of the terminal (SI_KERNEL): the kernel sends these to the whole process
 * group, to which the command belongs. No locks.
 */
#include "run/supervise.h"
#include "run/note.h"
#include "run/namespaces.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/log.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

static void end_with(struct run_end *end, const char *text)
{
	end->code = RUN_FAILED;
	snprintf(end->text, sizeof(end->text), "%s", text);
}

/* Stops this process by the signal that stopped the command, so that its shell sees it. */
static void stop(int number)
{
	sigset_t set;

	if (number == SIGSTOP) {
		kill(getpid(), SIGSTOP);
		return;
	}
	sigemptyset(&set);
	sigaddset(&set, number);
	signal(number, SIG_DFL);
	kill(getpid(), number);
	/* The signal is delivered here. */
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

/* Passes a signal on to the command. */
static void take_signal(const struct supervised *supervised, int signal_fd)
{
	struct signalfd_siginfo info;

	while (read(signal_fd, &info, sizeof(info)) == sizeof(info))
		if (info.ssi_signo != SIGCHLD && info.ssi_code != SI_KERNEL)
			note_send(supervised->init_fd, NOTE_SIGNAL, (int)info.ssi_signo, NULL);
}

/* Handles a note of the first process of the command. Returns true after the end. */
static bool take_note(const struct supervised *supervised, struct run_end *end)
{
	struct pst_error error = { 0 };
	struct note note;

	if (note_receive(supervised->init_fd, &note) <= 0) {
		if (!end->text[0])
			end_with(end, "the first process of the command was killed, and with it "
				      "the command");
		return true;
	}
	switch (note.kind) {
	case NOTE_MAP:
		if (namespaces_map(supervised->init, &error) == 0)
			note_send(supervised->init_fd, NOTE_MAPPED, 0, NULL);
		else
			end_with(end, error.text);
		return end->text[0];
	case NOTE_STOPPED:
		stop(note.value);
		return false;
	case NOTE_FAILED:
		end_with(end, note.text);
		end->code = note.value;
		return true;
	case NOTE_EXITED:
		end->signal = WIFSIGNALED(note.value) ? WTERMSIG(note.value) : 0;
		end->code = end->signal ? 128 + end->signal : WEXITSTATUS(note.value);
		return true;
	default:
		return false;
	}
}

void supervise(const struct supervised *supervised, struct run_end *ret_end)
{
	_cleanup_(fd_closep) int signal_fd = -1;
	struct pollfd fds[3] = {
		{ .fd = supervised->init_fd, .events = POLLIN },
		{ .events = POLLIN },
		{ .fd = supervised->view_fd, .events = POLLIN },
	};
	sigset_t all;

	sigfillset(&all);
	signal_fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	fds[1].fd = signal_fd;
	for (;;) {
		if (poll(fds, 3, -1) < 0)
			continue;
		if (fds[0].revents && take_note(supervised, ret_end))
			return;
		if (fds[1].revents)
			take_signal(supervised, signal_fd);
		if (fds[2].revents) {
			end_with(ret_end, "the process of the view has ended, so the command was "
					  "killed: the system log may say why");
			return;
		}
	}
}
