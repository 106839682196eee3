// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Files that lose their last name while they are in use: open pipes and devices, which the kernel
 * opens by itself, O_PATH descriptors, working directories, directories of a view without OPENDIR.
 * The daemon gets no request for these uses; it only knows that the kernel has not forgotten the
 * node. Such a file cannot be opened by its handle any more unless a process has it open below. So
 * the node gets a descriptor before its name is removed, and keeps it until the kernel forgets the
 * node, which happens at once if the file is not in use.
 *
 * This does not work for names that another process removes in the lower tree: when the daemon
 * reads the event, the file cannot be opened any more, unless its descriptor is cached. No state of
 * its own, no locks.
 */
#include "fs/fs-private.h"
#include "util/log.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define CLOSING_MS 10

/* Returns a strong reference to the node of a name, or NULL if the kernel knows no such node. */
static struct node *node_of(struct fs *fs, struct node *dir, int dir_fd, const char *name)
{
	struct fhandle fh = { 0 };
	uint64_t id;

	if (namecache_find(&fs->names, dir, name, &id))
		return node_lookup_id(fs->nodes, id);
	if (!lower_mount(fs, dir)->handles || fhandle_at(dir_fd, name, &fh, NULL) < 0)
		return NULL;
	fh.mount = dir->fh.mount;
	return node_lookup_fh(fs->nodes, &fh);
}

void unnamed_keep(struct fs *fs, struct node *node)
{
	if (!fs_is_remote(fs) && !fdcache_keep(fs->fds, node) &&
	    !atomic_exchange(&fs->told_unnamed, true))
		log_warning("too many deleted files are in use: operations on those that are not "
			    "open for reading or writing fail with ESTALE. Raise fds= or "
			    "RLIMIT_NOFILE");
}

/*
 * Closes the descriptors that the view keeps open for later use of the file. NFS renames an open
 * file to .nfs... instead of removing it, and rmdir(2) of its directory then fails. The kernel
 * sends RELEASE only after close(2) has returned, so this function waits up to CLOSING_MS for it.
 */
static void close_idle(struct fs *fs, struct node *node)
{
	for (int tries = 0; !passthrough_close_idle(fs, node) && tries < CLOSING_MS; tries++)
		usleep(1000);
	fdcache_close(fs->fds, node);
}

void unnamed_before(struct fs *fs, struct node *dir, int dir_fd, const char *name)
{
	bool owners = lower_mount(fs, dir)->checks_ids;
	struct node *node;

	/* On other remote file systems a file disappears even if it is open. */
	if (!owners && fs_is_remote(fs))
		return;
	node = node_of(fs, dir, dir_fd, name);
	if (node && owners)
		close_idle(fs, node);
	else if (node)
		unnamed_keep(fs, node);
	node_put(fs->nodes, node);
}

void unnamed_renamed(struct fs *fs, struct node *dir, const char *name, struct node *new_dir,
		     const char *new_name, unsigned int flags)
{
	uint64_t id = NAMECACHE_UNKNOWN, old = NAMECACHE_UNKNOWN;

	namecache_find(&fs->names, dir, name, &id);
	namecache_find(&fs->names, new_dir, new_name, &old);
	namecache_put(&fs->names, new_dir, new_name, id);
	if (flags & RENAME_EXCHANGE)
		namecache_put(&fs->names, dir, name, old);
	/* A rename between two names of one file keeps both names; a whiteout is a new file. */
	else if (id == old || old == NAMECACHE_UNKNOWN || (flags & RENAME_WHITEOUT))
		namecache_put(&fs->names, dir, name, NAMECACHE_UNKNOWN);
	else
		namecache_put(&fs->names, dir, name, NAMECACHE_ABSENT);
}
