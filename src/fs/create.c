// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Creates, renames and removes names. Operations that create an inode run as the caller, so that
 * owner, group, set-group-ID directories, default ACLs, umask and quota work as in the lower tree.
 * Other operations do not depend on the caller, whose permissions the kernel has checked. No state,
 * no locks.
 */
#include "fs/creds.h"
#include "fs/fs-private.h"
#include "util/caps.h"
#include "util/cleanup.h"
#include "util/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <unistd.h>

static int make_below(int dir_fd, const char *name, const struct fs_new_file *file)
{
	int r;

	if (S_ISLNK(file->mode))
		r = symlinkat(file->target, dir_fd, name);
	else if (S_ISDIR(file->mode))
		r = mkdirat(dir_fd, name, file->mode & 07777);
	else
		r = mknodat(dir_fd, name, file->mode, file->rdev);
	return r < 0 ? -errno : 0;
}

int fs_make(struct fs *fs, const struct fs_caller *caller, struct node *dir, const char *name,
	    const struct fs_new_file *file, struct fs_entry *ret_entry)
{
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	int r;

	r = fdref_get(fs->fds, dir, &ref);
	if (r < 0)
		return r;
	{
		_cleanup_(creds_leavep) struct creds_scope scope = CREDS_NONE;

		/* A symbolic link has no mode that the umask changes. */
		if (!S_ISLNK(file->mode))
			creds_umask(caller->umask);
		r = lower_enter_maker(fs, dir, caller, &scope);
		if (r < 0)
			return r;
		r = make_below(ref.fd, name, file);
		if (r < 0)
			return r;
	}
	fs_listing_changed(fs, dir);
	r = lookup_name(fs, dir, ref.fd, name, ret_entry);
	/*
	 * The file exists although the reply will be an error: the kernel must not cache the name
	 * as absent.
	 */
	if (r < 0) {
		fs_invalidate(fs, dir, name);
		return r;
	}
	/*
	 * Another process has replaced the file. The kernel would refuse the other type, and tries
	 * again after ESTALE.
	 */
	if ((ret_entry->attr.stx.stx_mode ^ file->mode) & S_IFMT) {
		ret_entry->node = node_put(fs->nodes, ret_entry->node);
		return -ESTALE;
	}
	attr_node_created(ret_entry->node);
	return 0;
}

/*
 * Gives the file of a node one more name. Linking by descriptor needs CAP_DAC_READ_SEARCH and fails
 * with ENOENT without it. Linking by /proc needs no capability, so that is used if the lower file
 * system checks the caller.
 */
static int link_below(struct fs *fs, struct node *node, int fd, int dir_fd, const char *name)
{
	_cleanup_(creds_leavep) struct creds_scope scope = CREDS_NONE;
	bool asks = lower_checks_caller(fs, node);
	int r = lower_enter(fs, node, &scope);

	if (r < 0)
		return r;
	if (!asks && linkat(fd, "", dir_fd, name, AT_EMPTY_PATH) == 0)
		return 0;
	if (!asks && (errno != ENOENT || caps_have(CAP_DAC_READ_SEARCH)))
		return -errno;
	return linkat(AT_FDCWD, fd_path(fd).text, dir_fd, name, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
}

int fs_link(struct fs *fs, struct node *node, struct node *dir, const char *name,
	    struct fs_entry *ret_entry)
{
	_cleanup_(fdref_putp) struct fdref from = FDREF_NONE;
	_cleanup_(fdref_putp) struct fdref to = FDREF_NONE;
	struct fs_entry entry = { 0 };
	int r;

	r = fdref_get(fs->fds, node, &from);
	if (r < 0)
		return r;
	r = fdref_get(fs->fds, dir, &to);
	if (r < 0)
		return r;
	r = link_below(fs, node, from.fd, to.fd, name);
	if (r < 0)
		return r;
	fs_listing_changed(fs, dir);
	namecache_put(&fs->names, dir, name, node->id);
	r = attr_complete_link(fs, node, from.fd, &entry.attr);
	if (r < 0) {
		fs_invalidate(fs, node, NULL);
		fs_invalidate(fs, dir, name);
		return r;
	}
	entry.node = node_get(node);
	attr_complete_entry(fs, dir, &entry);
	*ret_entry = entry;
	return 0;
}

int fs_unlink(struct fs *fs, struct node *dir, const char *name, bool rmdir)
{
	_cleanup_(creds_leavep) struct creds_scope scope = CREDS_NONE;
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	int r;

	r = fdref_get(fs->fds, dir, &ref);
	if (r < 0)
		return r;
	unnamed_before(fs, dir, ref.fd, name);
	r = lower_enter(fs, dir, &scope);
	if (r < 0)
		return r;
	if (unlinkat(ref.fd, name, rmdir ? AT_REMOVEDIR : 0) < 0)
		return -errno;
	fs_listing_changed(fs, dir);
	namecache_put(&fs->names, dir, name, NAMECACHE_ABSENT);
	return 0;
}

int fs_rename(struct fs *fs, const struct fs_caller *caller, struct node *dir, const char *name,
	      struct node *new_dir, const char *new_name, unsigned int flags)
{
	_cleanup_(creds_leavep) struct creds_scope scope = CREDS_NONE;
	_cleanup_(fdref_putp) struct fdref from = FDREF_NONE;
	_cleanup_(fdref_putp) struct fdref to = FDREF_NONE;
	int r;

	r = fdref_get(fs->fds, dir, &from);
	if (r < 0)
		return r;
	r = fdref_get(fs->fds, new_dir, &to);
	if (r < 0)
		return r;
	if (!(flags & (RENAME_EXCHANGE | RENAME_NOREPLACE)))
		unnamed_before(fs, new_dir, to.fd, new_name);
	/* A whiteout is a new inode. */
	r = flags & RENAME_WHITEOUT ? lower_enter_maker(fs, dir, caller, &scope) :
				      lower_enter(fs, dir, &scope);
	if (r < 0)
		return r;
	if (renameat2(from.fd, name, to.fd, new_name, flags) < 0)
		return -errno;
	fs_listing_changed(fs, dir);
	fs_listing_changed(fs, new_dir);
	unnamed_renamed(fs, dir, name, new_dir, new_name, flags);
	return 0;
}
