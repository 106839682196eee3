// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Changes that are to be on the disk before they are answered (sync, dirsync). The kernel leaves
 * that to us: of a FUSE file system with these flags it asks nothing more than of another.
 *
 * fsync(2) of a directory covers the names that were made in it. Files that cannot be opened
 * (links, pipes, devices) are covered by a flush of their file system. No state, no locks.
 */
#include "fs/fs-private.h"
#include "util/cleanup.h"
#include "util/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* A descriptor that fsync(2) takes, or -errno. */
static int open_for_sync(struct fs *fs, struct node *node)
{
	int fd;

	if (!S_ISREG(node->type) && !S_ISDIR(node->type))
		return -EACCES;
	fd = lower_open(fs, node, O_RDONLY);
	if (fd == -EACCES && S_ISREG(node->type))
		fd = lower_open(fs, node, O_WRONLY);
	return fd;
}

int fs_sync_change(struct fs *fs, struct node *node)
{
	_cleanup_(fd_closep) int fd = open_for_sync(fs, node);

	/* A file that is gone has nothing to write. */
	if (fd == -ESTALE || fd == -ENOENT)
		return 0;
	if (fd == -EACCES || fd == -EPERM)
		return fs_syncfs(fs, fs->root);
	if (fd < 0)
		return fd;
	/* There are file systems whose directories have no fsync. */
	if (fsync(fd) < 0 && errno != EINVAL)
		return -errno;
	return 0;
}
