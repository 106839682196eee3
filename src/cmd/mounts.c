// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Finds the view that is mounted at a path.
 *
 * A view whose process is stuck or dead has to be found, too, to be unmounted. So mounts_find()
 * sends no request to the process: the kernel itself answers a statx(2) that requests no field,
 * with AT_STATX_DONT_SYNC. The answer has the ID of the mount, which is looked up in the mount
 * table. mounts_view_is_dead() does send a request, from a child, which it kills after two seconds.
 * No state, no locks.
 */
#include "cmd/mounts.h"
#include "cmd/cmd.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/mountinfo.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

void mounts_view_fini(struct mounts_view *view)
{
	free(view->mountpoint);
	view->mountpoint = NULL;
}

/* Returns the user whose process serves a FUSE mount; 0 for other mounts. */
static unsigned int owner_of(const struct mountinfo *mount)
{
	const char *option = strstr(mount->options, "user_id=");

	return option ? (unsigned int)strtoul(option + strlen("user_id="), NULL, 10) : 0;
}

int mounts_find(const char *path, struct mounts_view *ret_view)
{
	_cleanup_(mountinfo_fini) struct mountinfo_table table = { 0 };
	const struct mountinfo *mount = NULL;
	struct statx stx;
	int r = 0;

	if (statx(AT_FDCWD, path, AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC, 0, &stx) < 0)
		r = -errno;
	else if (stx.stx_attributes & STATX_ATTR_MOUNT_ROOT)
		r = mountinfo_read(MOUNTINFO_OWN, &table);
	if (r < 0) {
		cmd_error("%s: %s", path, strerror(-r));
		return cmd_exit_code(r);
	}
	for (size_t i = 0; i < table.n; i++)
		if ((uint64_t)table.mounts[i].id == stx.stx_mnt_id)
			mount = &table.mounts[i];
	if (!mount) {
		cmd_error("%s is not a mount point", path);
		return CMD_FAILED;
	}
	ret_view->in_kernel = strcmp(mount->type, "penstock") == 0;
	if (!ret_view->in_kernel && strcmp(mount->type, "fuse.penstock") != 0) {
		cmd_error("%s is not the mount point of a view, but of a file system of type %s",
			  path, mount->type);
		return CMD_FAILED;
	}
	ret_view->mountpoint = strdup(mount->point);
	ret_view->connection = mount->connection;
	ret_view->owner = owner_of(mount);
	if (ret_view->mountpoint)
		return CMD_OK;
	cmd_error("%s: %s", path, strerror(ENOMEM));
	return CMD_SYSTEM;
}

/* ---- dead views ---- */

/* A view that does not answer within this time is stuck; statfs_says_dead() takes at most 1 s. */
#define ANSWER_MS 2000

/*
 * Returns whether statfs(2) fails because the process has died: ENOTCONN; ECONNABORTED at first;
 * with io_uring ECANCELED until the kernel has torn down the rings.
 */
static bool statfs_says_dead(const char *mountpoint)
{
	struct statfs st;

	for (int tries = 0; tries < 50; tries++) {
		if (statfs(mountpoint, &st) == 0)
			return false;
		if (errno != ECANCELED)
			return errno == ENOTCONN || errno == ECONNABORTED;
		usleep(20000);
	}
	return true;
}

/*
 * A child calls statfs(2), because the call does not return while the process of a view is stuck.
 */
bool mounts_view_is_dead(const struct mounts_view *view)
{
	struct pollfd fd = { .events = POLLIN };
	int fds[2], status = 0;
	bool ended;
	pid_t child;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return false;
	child = fork();
	if (child == 0)
		_exit(statfs_says_dead(view->mountpoint));
	fd_close(fds[1]);
	fd.fd = fds[0];
	ended = child > 0 && poll(&fd, 1, ANSWER_MS) > 0;
	fd_close(fds[0]);
	if (child < 0)
		return false;
	if (!ended)
		kill(child, SIGKILL);
	return waitpid(child, &status, ended ? 0 : WNOHANG) == child && WIFEXITED(status) &&
	       WEXITSTATUS(status) == 1;
}
