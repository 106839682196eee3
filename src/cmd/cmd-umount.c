// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * penstock umount: unmounts a view, and returns when its process has ended. A view of the kernel
 * engine has a process only if it has a second tree. A view of another program has ended when that
 * program has freed it, because the program may have other work.
 *
 * umount(8) also unmounts a view, but returns before that; a script that then removes LOWER's disk
 * would race with the process. The process closes the connections of its control socket when it
 * uses LOWER no more.
 */
#include "cmd/cmd.h"
#include "cmd/in-kernel.h"
#include "cmd/mounts.h"
#include "ctl/client.h"
#include "ctl/proto.h"
#include "mount/fusermount.h"
#include "util/cleanup.h"
#include "util/fd.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define END_MS  10000 /* for the process to end, after unmounting */
#define REAP_MS 3000  /* for init to reap the process */
#define STEP_MS 10

static int refuse(const char *path, int error)
{
	if (error == -EBUSY)
		cmd_error(
			"%s is in use; `fuser -vm %s` lists the processes, and `penstock umount -l "
			"%s` removes it from the tree now, and ends it when its last user is gone",
			path, path, path);
	else if (error == -EPERM)
		cmd_error("%s: unmounting needs CAP_SYS_ADMIN: run this command as root", path);
	else
		cmd_error("%s: cannot unmount the view: %s", path, strerror(-error));
	return error == -EPERM ? CMD_USAGE : CMD_FAILED;
}

/* Returns the process that listens at a control socket; 0 if it is not in this PID namespace. */
static pid_t process_of(int fd)
{
	struct ucred credentials = { 0 };
	socklen_t len = sizeof(credentials);

	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &len) < 0)
		return 0;
	return credentials.pid;
}

/* Returns whether the process runs a program that is certainly not this one. */
static bool is_other_program(pid_t pid)
{
	struct stat own, other;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	return stat("/proc/self/exe", &own) == 0 && stat(path, &other) == 0 &&
	       (own.st_ino != other.st_ino || own.st_dev != other.st_dev);
}

/*
 * Waits until the process has been reaped: kill(2) of a script takes a zombie for a running
 * process, and some init processes reap only every few seconds.
 */
static void wait_until_reaped(pid_t pid)
{
	for (int ms = 0; pid > 0 && ms < REAP_MS && kill(pid, 0) == 0; ms += STEP_MS)
		usleep(STEP_MS * 1000);
}

/*
 * Unmounts lazily, also while the view is in use: its users get errors only, since its process has
 * died.
 */
static int unmount_dead(const char *path, const struct mounts_view *view, const char *socket)
{
	if (umount2(view->mountpoint, UMOUNT_NOFOLLOW | MNT_DETACH) < 0) {
		int r = errno == EPERM ? fusermount_unmount(view->mountpoint, true) : -errno;

		if (r < 0)
			return refuse(path, r);
	}
	/* The process has removed no socket, because it was killed. */
	unlink(socket);
	return CMD_OK;
}

static int unmount(const char *path, const struct mounts_view *view, bool lazy)
{
	unsigned int connection = view->in_kernel ? in_kernel_second(view) : view->connection;
	_cleanup_(fd_closep) int fd = -1;
	char socket[CTL_PATH_MAX];
	bool other;
	pid_t pid;

	fd = connection ? ctl_client_find(connection, view->owner, socket) : -ENOENT;
	pid = process_of(fd);
	other = is_other_program(pid);
	if (!view->in_kernel && fd < 0 && mounts_view_is_dead(view))
		return unmount_dead(path, view, socket);
	if (umount2(view->mountpoint, UMOUNT_NOFOLLOW | (lazy ? MNT_DETACH : 0)) < 0) {
		int r = errno == EPERM ? fusermount_unmount(view->mountpoint, lazy) : -errno;

		if (r < 0)
			return refuse(path, r);
	}
	/* After a lazy unmount the process may run on; without a socket it cannot be waited for. */
	if (fd < 0 || lazy)
		return CMD_OK;
	if (ctl_client_wait_end(fd, END_MS) < 0)
		cmd_error("%s is unmounted, but its process still uses LOWER after %d seconds: "
			  "an operation on LOWER may block it%s",
			  path, END_MS / 1000,
			  other ? ", or the program has not called pst_view_free()" : "");
	else if (!other)
		wait_until_reaped(pid);
	ctl_remove_dead();
	return CMD_OK;
}

int cmd_umount(struct cmd_call *call)
{
	_cleanup_(mounts_view_fini) struct mounts_view view = { 0 };
	const char *path = call->words[0];
	int code = mounts_find(path, &view);

	return code == CMD_OK ? unmount(path, &view, cmd_given(call, "lazy")) : code;
}
