// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/view-paths.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

/*
 * Returns true for the errors of a FUSE mount whose process has died. ECONNABORTED and ECANCELED
 * come first, then ENOTCONN.
 */
static bool is_dead_errno(int number)
{
	return number == ENOTCONN || number == ECONNABORTED || number == ECANCELED;
}

int view_unreachable(const char *what, const char *path, int number, struct pst_error *error)
{
	if (is_dead_errno(number))
		return error_set(error, -number,
				 "%s: %s is on a mount whose process has died; unmount that mount, "
				 "by `penstock umount` if it is a view, or else by `umount -l`",
				 what, path);
	return error_set(error, -number, "cannot open %s: %s: %s", what, path, strerror(number));
}

int view_directory(const char *what, const char *path, char **ret_path, struct pst_error *error)
{
	_cleanup_(freep) char *real = NULL;
	struct statx stx;

	if (!path || !path[0])
		return error_set(error, -EINVAL, "%s is missing", what);
	real = realpath(path, NULL);
	if (!real && errno == ENOENT)
		return error_set(error, -ENOENT, "%s does not exist: %s", what, path);
	if (!real || statx(AT_FDCWD, real, 0, STATX_TYPE, &stx) < 0)
		return view_unreachable(what, path, errno, error);
	if (!S_ISDIR(stx.stx_mode))
		return error_set(error, -ENOTDIR, "%s is not a directory: %s", what, path);
	*ret_path = take_ptr(real);
	return 0;
}

int view_refuse_second(const char *mountpoint, struct pst_error *error)
{
	struct statfs st;

	if (statfs(mountpoint, &st) < 0 && is_dead_errno(errno))
		return error_set(error, -ENOTCONN,
				 "the process of the view at %s has died; `penstock umount %s` "
				 "removes that view",
				 mountpoint, mountpoint);
	return error_set(error, -EBUSY,
			 "a view is already mounted at %s; `penstock umount %s` unmounts it",
			 mountpoint, mountpoint);
}
