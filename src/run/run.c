// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Runs a command in a view.
 *
 *	process                       mount, user namespace     PID namespace  process group
 *	supervisor (the user's child) of the view               outside        the shell's
 *	└─ server of the view         of the view               outside        own session
 *	└─ init                       of the command, locked    of the command the shell's
 *	   └─ the command             of the command, locked    of the command the shell's
 *
 * The supervisor has a socket to each of its children. The server ends when its socket is closed,
 * and init, too; and the kernel kills all processes of a PID namespace when its init ends. So
 * whatever process is killed, the others end, and with the last one the mounts.
 */
#include "run/run.h"
#include "run/descriptors.h"
#include "run/init.h"
#include "run/namespaces.h"
#include "run/note.h"
#include "run/other-paths.h"
#include "run/serve.h"
#include "run/supervise.h"
#include "run/terminal.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define END_MS 10000 /* for the process of the view to end */

/* Starts the process of the view. Returns its ID with *ret_fd, or -errno and *error. */
static pid_t start_view(const struct run_options *options, int audit_fd, int *ret_fd,
			struct pst_error *error)
{
	int fds[2], r = note_pair(fds);
	struct note note;
	pid_t child;

	if (r < 0)
		return error_set(error, r, "cannot make a socket: %s", strerror(-r));
	fflush(NULL);
	child = fork();
	if (child < 0)
		return error_set(error, -errno, "cannot start a process: %s", strerror(errno));
	if (child == 0)
		_exit(serve_view(options, audit_fd, fds[1]));
	close(fds[1]);
	*ret_fd = fds[0];
	if (note_receive(fds[0], &note) == 1 && note.kind == NOTE_READY)
		return child;
	return error_set(error, -EIO, "%s",
			 note.text[0] ? note.text :
					"the process of the view ended before the view was there");
}

/* Starts the first process of the command. Returns its ID with *ret_fd, or -errno and *error. */
static pid_t start_init(const struct init_options *options, int *ret_fd, struct pst_error *error)
{
	int fds[2], r = note_pair(fds);
	pid_t child;

	if (r < 0)
		return error_set(error, r, "cannot make a socket: %s", strerror(-r));
	if (unshare(CLONE_NEWPID) < 0)
		return error_set(error, -errno, "cannot make a PID namespace: %s", strerror(errno));
	child = fork();
	if (child < 0)
		return error_set(error, -errno, "cannot start a process: %s", strerror(errno));
	if (child == 0) {
		close(fds[0]);
		init_main(options, fds[1]);
	}
	close(fds[1]);
	*ret_fd = fds[0];
	return child;
}

/* Waits for a child, and kills it after END_MS. */
static void reap(pid_t child)
{
	for (int ms = 0; ms < END_MS; ms++) {
		if (waitpid(child, NULL, WNOHANG) != 0)
			return;
		usleep(1000);
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

/*
 * Opens the file of --audit. Returns a descriptor with *ret_path, which the caller frees; or -errno
 * and *error.
 */
static int open_audit(const char *path, char **ret_path, struct pst_error *error)
{
	int fd;

	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		return error_set(error, -errno, "--audit %s: %s", path, strerror(errno));
	*ret_path = realpath(path, NULL);
	return fd;
}

static int run(const struct run_options *options, struct init_options *init_options,
	       struct run_end *end, struct pst_error *error)
{
	_cleanup_(tree_fini) struct tree tree = { 0 };
	_cleanup_(fd_closep) int view_fd = -1;
	_cleanup_(fd_closep) int audit_fd = -1;
	_cleanup_(freep) char *audit = NULL;
	_cleanup_(fd_closep) int init_fd = -1;
	struct supervised supervised;
	pid_t foreground = terminal_foreground(), view, init;
	int r = descriptors_check(error);

	if (r == 0 && options->audit) {
		audit_fd = open_audit(options->audit, &audit, error);
		r = audit_fd < 0 ? audit_fd : 0;
	}
	if (r == 0)
		r = namespaces_of_view(error);
	if (r == 0)
		r = tree_find(options->view->lower, &tree, error);
	if (r < 0)
		return r;
	view = start_view(options, audit_fd, &view_fd, error);
	if (view < 0)
		return view;
	audit_fd = fd_close(audit_fd);
	init_options->tree = &tree;
	init_options->audit = audit;
	init = start_init(init_options, &init_fd, error);
	if (init > 0) {
		descriptors_keep(view_fd, init_fd);
		descriptors_detach(false);
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
		supervised = (struct supervised){ init, init_fd, view_fd };
		supervise(&supervised, end);
		kill(init, SIGKILL);
		waitpid(init, NULL, 0);
	}
	view_fd = fd_close(view_fd);
	reap(view);
	if (foreground == getpgrp())
		terminal_restore(foreground);
	return init < 0 ? init : 0;
}

void run_command(const struct run_options *options, struct run_end *ret_end)
{
	_cleanup_(freep) char *cwd = getcwd(NULL, 0);
	struct pst_error error = { 0 };
	struct init_options init = { .command = options->command, .cwd = cwd };
	sigset_t all;

	*ret_end = (struct run_end){ 0 };
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &init.mask);
	if (!cwd || cwd[0] != '/')
		error_set(&error, -ENOENT,
			  "the working directory has been removed, or is outside "
			  "of the root directory");
	else if (run(options, &init, ret_end, &error) == 0)
		return;
	ret_end->code = RUN_FAILED;
	snprintf(ret_end->text, sizeof(ret_end->text), "%s", error.text);
}
