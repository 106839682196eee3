// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Checks if cache=auto can watch a lower file system, and if not, why. A view checks the file
 * system of each lower mount, "penstock probe" that of LOWER. These functions make the same system
 * calls as a view. No state, no locks.
 */
#include "fs/watch-private.h"
#include "node/fhandle.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/fstype.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#ifndef FAN_REPORT_TARGET_FID
#define FAN_REPORT_TARGET_FID 0x1000
#endif

int fs_watch_try(void)
{
	_cleanup_(fd_closep) int fd = watch_open();

	return fd < 0 ? fd : 0;
}

int watch_open(void)
{
	int fd = fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK | FAN_REPORT_FID |
				       FAN_REPORT_DIR_FID | FAN_REPORT_NAME |
				       FAN_REPORT_TARGET_FID | FAN_UNLIMITED_MARKS,
			       O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int watch_mark(int events_fd, int fd, bool is_dir)
{
	if (is_dir)
		return fanotify_mark(events_fd, FAN_MARK_ADD | FAN_MARK_ONLYDIR,
				     WATCH_EVENTS | FAN_ONDIR | FAN_EVENT_ON_CHILD, fd, ".");
	return fanotify_mark(events_fd, FAN_MARK_ADD,
			     FAN_ATTRIB | FAN_MODIFY | FAN_OPEN | FAN_CLOSE | FAN_DELETE_SELF |
				     FAN_MOVE_SELF,
			     AT_FDCWD, fd_path(fd).text);
}

void watch_support(int events_fd, int fd, bool handles, struct fs_watch_support *ret_support)
{
	struct fs_watch_support support = { 0 };
	const struct fstype *type = fstype_of(fd);
	struct stat st;

	if (!type || fstat(fd, &st) < 0) {
		snprintf(support.why, sizeof(support.why), "%s", strerror(errno));
		*ret_support = support;
		return;
	}
	if (type->unwatchable)
		snprintf(support.why, sizeof(support.why),
			 "%s can change without this kernel knowing", type->name);
	else if (!handles)
		snprintf(support.why, sizeof(support.why),
			 "its files cannot be opened by file handles");
	else if ((support.refused = events_fd < 0))
		snprintf(support.why, sizeof(support.why), "fanotify: %s", strerror(-events_fd));
	else if ((support.refused = watch_mark(events_fd, fd, S_ISDIR(st.st_mode)) < 0))
		snprintf(support.why, sizeof(support.why), "fanotify refuses to watch it: %s",
			 strerror(errno));
	else
		support.watchable = true;
	*ret_support = support;
}

void fs_watch_support(int fd, struct fs_watch_support *ret_support)
{
	_cleanup_(fd_closep) int events_fd = watch_open();
	_cleanup_(fd_closep) int opened = -1;
	struct fhandle fh;

	/* Opens the file by handle, as nodes are opened. Closing the queue removes the mark. */
	if (fhandle_at(fd, "", &fh, NULL) == 0)
		opened = fhandle_open(fd, &fh, O_PATH | O_CLOEXEC);
	watch_support(events_fd, fd, opened >= 0, ret_support);
}
