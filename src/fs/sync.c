// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Writes changes to the disk before their reply (mount options sync, dirsync). FUSE sends no FSYNC
 * for these mount options, so the daemon calls fsync(2) itself.
 *
 * fsync(2) of a directory also writes the names that were created in it. For files that cannot be
 * opened (links, pipes, devices) the daemon syncs the whole file system. No state, no locks.
 */
#include "fs/fs-private.h"
#include "util/cleanup.h"
#include "util/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* Returns a descriptor that fsync(2) accepts, or -errno. */
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

	/* A program keeps the file. */
	if (node_has_no_lower(node))
		return 0;
	/* If the file does not exist any more, there is nothing to write. */
	if (fd == -ESTALE || fd == -ENOENT)
		return 0;
	if (fd == -EACCES || fd == -EPERM)
		return fs_syncfs(fs, fs->root);
	if (fd < 0)
		return fd;
	/* EINVAL: directories of this file system have no fsync. */
	if (fsync(fd) < 0 && errno != EINVAL)
		return -errno;
	return 0;
}
