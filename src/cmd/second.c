// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Starts the process of a second tree for a view of the kernel engine that is mounted, and gets its
 * first filter that needs one. No state, no locks.
 */
#include "cmd/second.h"
#include "cmd/cmd.h"
#include "cmd/serving.h"
#include "kernel/control.h"
#include "kernel/second.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

DEFINE_CLEANUP(struct pst_view *, pst_view_free);

/* Checks that the path of LOWER still leads to the directory that the view shows. */
static int check_lower(const char *lower, const char *inode, struct pst_error *error)
{
	struct statx stx;

	if (lower && inode && statx(AT_FDCWD, lower, 0, STATX_INO, &stx) == 0 &&
	    stx.stx_ino == strtoull(inode, NULL, 10))
		return 0;
	return error_set(error, -ENOENT,
			 "%s is not the directory that the view shows any more: mount the view "
			 "anew with the filter",
			 lower ? lower : "LOWER");
}

static int mount_second(void *aux, struct pst_view **ret_view, struct pst_error *error)
{
	struct kernel_change change = *(const struct kernel_change *)aux;
	_cleanup_(freep) char *lower = kernel_control_find(change.connection, "view", "lower");
	_cleanup_(freep) char *inode = kernel_control_find(change.connection, "view", "inode");
	_cleanup_(freep) char *locks = kernel_control_find(change.connection, "view", "locks");
	const char *const filters[] = { change.spec, NULL };
	struct pst_view_options options = PST_VIEW_OPTIONS_INIT;
	_cleanup_(pst_view_freep) struct pst_view *view = NULL;
	_cleanup_(fd_closep) int fd = -1;
	int r = check_lower(lower, inode, error);

	if (r < 0)
		return r;
	options.lower = lower;
	options.mountpoint = change.mountpoint;
	options.locks = locks && strcmp(locks, "lower") == 0 ? PST_LOCKS_LOWER : PST_LOCKS_LOCAL;
	options = kernel_second_options(&options, filters);
	r = pst_view_mount(&options, &view, error);
	if (r < 0)
		return r;
	change.serve_fd = fd = pst_view_take_mount(view);
	r = kernel_filter_change(&change, error);
	if (r == 0)
		*ret_view = take_ptr(view);
	return r;
}

int second_start(const struct kernel_change *change)
{
	const struct serving serving = {
		.mount = mount_second,
		.aux = (void *)change,
		.mountpoint = change->mountpoint,
		.kernel_view = change->mountpoint,
		.log_level = PST_LOG_WARNING,
	};
	int status = 0;
	pid_t child;

	/* The child goes into the background, and ends when the change is done. */
	fflush(NULL);
	child = fork();
	if (child == 0)
		exit(serving_run(&serving));
	if (child < 0 || waitpid(child, &status, 0) < 0) {
		cmd_error("cannot start a process: %s", strerror(errno));
		return CMD_FAILED;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : CMD_BUG;
}
