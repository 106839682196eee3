// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Removes the marks of filled files when their content is on the disk. If the machine stopped
 * earlier, without the mark the next view would show zeros; with it, that view fills the file
 * again. One syncfs(2) serves all files of a batch, except that pieces, which go on arriving
 * meanwhile, need an fdatasync(2) for each file besides.
 *
 * The flags of a node are its state: a fill sets NODE_UNSETTLED and clears NODE_SYNCED,
 * fs_settle_begin() sets NODE_SYNCED before syncfs(2), an eviction clears both. While this file has
 * the lower file open, no eviction begins (it takes a write lease), so the flags are final then. No
 * locks.
 */
#include "fs/fs-private.h"
#include "fs/hollow-private.h"
#include "util/cleanup.h"
#include "util/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <penstock/source.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

/* Makes a file hollow whose content could not be written to the disk. Returns r. */
static int hollow_again(struct node *node, int fd, int r)
{
	struct hollow_filling filling;
	struct stat st;

	atomic_fetch_and(&node->flags, (uint8_t)~NODE_WHOLE);
	hollow_log_lost(r);
	if (fstat(fd, &st) == 0) {
		filling = hollow_filling_of(&st);
		fsetxattr(fd, HOLLOW_FILLING, &filling, sizeof(filling), 0);
	}
	fremovexattr(fd, HOLLOW_FILLED);
	return r;
}

/* Removes the mark of a whole file, after fdatasync(2) unless it is synced. Returns 0 or -errno. */
static int settle_whole(struct node *node, int fd, bool synced)
{
	int r = 0;

	if (!synced && fdatasync(fd) < 0)
		r = hollow_again(node, fd, -errno);
	else if (fremovexattr(fd, PST_HOLLOW) < 0 && !hollow_is_absent(errno))
		return -errno;
	atomic_fetch_and(&node->flags, (uint8_t) ~(NODE_UNSETTLED | NODE_SYNCED));
	return r;
}

int fs_settle(struct fs *fs, struct node *node, bool synced)
{
	_cleanup_(fd_closep) int fd = -1;
	uint8_t flags = atomic_load(&node->flags);
	int r;

	if (flags & NODE_UNSETTLED)
		fd = lower_open(fs, node, O_RDONLY);
	/* A file that was deleted needs no mark. */
	if (fd < 0)
		return fd == -ESTALE || fd == -ENOENT ? 0 : (flags & NODE_UNSETTLED ? fd : 0);
	flags = atomic_load(&node->flags);
	if (!(flags & NODE_UNSETTLED))
		return 0;
	/* syncfs(2) covers no other mount, and does not tell whose content it lost. */
	synced = synced && node->fh.mount == 0;
	if ((flags & NODE_WHOLE) && synced && !(flags & NODE_SYNCED))
		return FS_UNSETTLED;
	r = flags & NODE_WHOLE ? settle_whole(node, fd, synced) : pieces_settle(fs, node, fd);
	if (r == FS_UNSETTLED)
		atomic_fetch_or(&node->flags, NODE_UNSETTLED);
	/* The ctime has changed. */
	shadow_filled(fs, node);
	return r;
}

bool fs_settle_begin(struct fs *fs, struct node *const *nodes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		atomic_fetch_or(&nodes[i]->flags, NODE_SYNCED);
	return fs_syncfs(fs, fs->root) == 0;
}
