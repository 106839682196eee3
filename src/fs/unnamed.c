// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Files that lose their last name while they are in use: open pipes and devices, which the kernel
 * opens by itself, O_PATH descriptors, working directories, directories of a view without OPENDIR.
 * The daemon hears of none of these, only that the kernel has not forgotten the node. Such a file
 * cannot be opened by its handle any more unless somebody has it open. So the node gets a
 * descriptor before the name goes, and keeps it until the kernel forgets the node, which is at once
 * when nobody uses it.
 *
 * Names that others remove below come too late for this: the file is gone when the event is read,
 * unless its descriptor happens to be cached.
 */
#include "fs/fs-private.h"
#include "util/log.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define CLOSING_MS 10

/* The node that a name leads to (strong); NULL where the kernel knows none. */
static struct node *node_of(struct fs *fs, struct node *dir, int dir_fd, const char *name)
{
	struct fhandle fh = { 0 };
	uint64_t id;
	int mnt_id;

	if (namecache_find(fs->names, dir, name, &id))
		return node_lookup_id(fs->nodes, id);
	if (!nodetab_mount(fs->nodes, dir->fh.mount)->handles ||
	    fhandle_at(dir_fd, name, &fh, &mnt_id) < 0)
		return NULL;
	fh.mount = dir->fh.mount;
	return node_lookup_fh(fs->nodes, &fh);
}

static void keep(struct fs *fs, struct node *node)
{
	if (!fdcache_keep(fs->fds, node) && !atomic_exchange(&fs->told_unnamed, true))
		log_warning("more files without a name are in use than there are descriptors for: "
			    "what is not open for reading or writing fails with ESTALE (option "
			    "fds=, RLIMIT_NOFILE)");
}

/*
 * NFS renames a file that is open to a name of its own (.nfs...) instead of removing it, and its
 * directory cannot be removed as long as that is there. So what is only kept for the next use is
 * let go of. The daemon hears of a close after close(2) has returned: the file may be about
 * to.
 */
static void let_go(struct fs *fs, struct node *node)
{
	for (int tries = 0; !passthrough_close_idle(fs, node) && tries < CLOSING_MS; tries++)
		usleep(1000);
	fdcache_let_go(fs->fds, node);
}

void unnamed_before(struct fs *fs, struct node *dir, int dir_fd, const char *name)
{
	bool owners = nodetab_mount(fs->nodes, dir->fh.mount)->checks_ids;
	struct node *node;

	/* Elsewhere the file goes whatever we hold. */
	if (!owners && fs_is_remote(fs))
		return;
	node = node_of(fs, dir, dir_fd, name);
	if (node && owners)
		let_go(fs, node);
	else if (node)
		keep(fs, node);
	node_put(fs->nodes, node);
}

void unnamed_below(struct fs *fs, struct node *node)
{
	/*
	 * Space is not held for others: of a regular file that was removed below nothing is kept.
	 */
	if (!S_ISREG(node->type) && !fs_is_remote(fs))
		keep(fs, node);
}

void unnamed_made(struct fs *fs, struct node *node)
{
	if (!fs_is_remote(fs))
		keep(fs, node);
}

void unnamed_renamed(struct fs *fs, struct node *dir, const char *name, struct node *new_dir,
		     const char *new_name, unsigned int flags)
{
	uint64_t id = NAMECACHE_UNKNOWN, old = NAMECACHE_UNKNOWN;

	namecache_find(fs->names, dir, name, &id);
	namecache_find(fs->names, new_dir, new_name, &old);
	namecache_put(fs->names, new_dir, new_name, id);
	if (flags & RENAME_EXCHANGE)
		namecache_put(fs->names, dir, name, old);
	/* A rename between two names of one file keeps both; a whiteout is a new file. */
	else if (id == old || old == NAMECACHE_UNKNOWN || (flags & RENAME_WHITEOUT))
		namecache_put(fs->names, dir, name, NAMECACHE_UNKNOWN);
	else
		namecache_put(fs->names, dir, name, NAMECACHE_ABSENT);
}
