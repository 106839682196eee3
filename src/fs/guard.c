// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Opens of hollow files and directories beside the view: a fanotify group gets a permission event
 * from the kernel for each open on LOWER's file system. The clone of LOWER's mount has a mark that
 * ignores them, so neither the view nor its clients wait for the group. No state, no locks.
 */
#include "fs/fs-private.h"
#include "fs/hollow.h"
#include "util/cleanup.h"
#include "util/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/fanotify.h>

int fs_guard_open(int lower)
{
	_cleanup_(fd_closep) int fd =
		fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC | FAN_NONBLOCK | FAN_UNLIMITED_QUEUE,
			      O_RDONLY | O_CLOEXEC | O_LARGEFILE);
	/* It ignores opens of directories, too. */
	unsigned int ignore = FAN_MARK_ADD | FAN_MARK_MOUNT | FAN_MARK_IGNORED_MASK |
			      FAN_MARK_IGNORED_SURV_MODIFY;
	uint64_t opens = FAN_OPEN_PERM | FAN_ONDIR;

	if (fd < 0 || fanotify_mark(fd, ignore, FAN_OPEN_PERM, lower, ".") < 0 ||
	    fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, opens, lower, ".") < 0)
		return -errno;
	return take_fd(&fd);
}

int fs_guard_find(struct fs *fs, int fd, struct node **ret_node)
{
	_cleanup_(fd_closep) int below = -1;
	struct fs_entry entry;
	char path[PATH_MAX];
	struct fhandle fh;
	int r;

	r = fhandle_at(fd, "", &fh, NULL);
	if (r < 0)
		return r;
	/* By LOWER's mount, whatever mount the process has used. */
	below = fhandle_open(nodetab_mount(fs->nodes, 0)->fd, &fh, O_PATH | O_CLOEXEC);
	r = below < 0 ? below : lookup_fd(fs, NULL, below, &entry);
	if (r < 0)
		return r;
	fs_node_path(fs, entry.node, path, sizeof(path));
	if (strcmp(path, "?") != 0) {
		*ret_node = entry.node;
		return 1;
	}
	/* Another source of this file system has marked the file. */
	fs_node_put(fs, entry.node);
	return 0;
}
