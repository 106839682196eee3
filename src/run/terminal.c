// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The terminal that the command shares with the programs outside. It stays the command's
 * controlling terminal, and the command stays in the process group that the shell has made: so job
 * control is the shell's. A new session, which would also prevent TIOCSTI, would end job control;
 * system-calls.c forbids that call. No state, no locks.
 */
#include "run/terminal.h"
#include "util/cleanup.h"
#include "util/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

pid_t terminal_foreground(void)
{
	_cleanup_(fd_closep) int fd = open("/dev/tty", O_RDONLY | O_CLOEXEC | O_NOCTTY);

	return fd < 0 ? -1 : tcgetpgrp(fd);
}

void terminal_restore(pid_t group)
{
	_cleanup_(fd_closep) int fd = open("/dev/tty", O_RDONLY | O_CLOEXEC | O_NOCTTY);
	pid_t now = fd < 0 ? -1 : tcgetpgrp(fd);

	/* SIGTTOU, which the kernel sends to a background group, is blocked. */
	if (now > 0 && kill(-now, 0) < 0 && errno == ESRCH)
		tcsetpgrp(fd, group);
}
