// SPDX-License-Identifier: GPL-2.0-only
/*
 * File locks: within the view (locks=local), or on the lower file, where those who work below see
 * them (locks=lower).
 *
 * A lock on the lower file names the lower file, so that it ends with it. The kernel compares the
 * request's file with the one it calls for, so the request gets the lower file for the call only;
 * what waits in the lower inode's list is the request itself.
 */
#include "penstock.h"

int pst_lock(struct file *file, int cmd, struct file_lock *fl)
{
	struct file *l = file->private_data;
	int ret;

	if (!pst_sb(file_inode(file)->i_sb)->lower_locks) {
		if (cmd == F_CANCELLK)
			return 0;
		if (!IS_GETLK(cmd))
			return posix_lock_file(file, fl, NULL);
		posix_test_lock(file, fl);
		return 0;
	}
	fl->c.flc_file = l;
	if (cmd == F_CANCELLK)
		ret = vfs_cancel_lock(l, fl);
	else if (IS_GETLK(cmd))
		ret = vfs_test_lock(l, fl);
	else
		ret = vfs_lock_file(l, cmd, fl, NULL);
	fl->c.flc_file = file;
	return ret;
}

/*
 * Removes all POSIX locks that the lower file of a file of the view still has, when that file is
 * released: none may stay, because each points to the lower file. Those of open file descriptions
 * end here. Others are left if one thread locks a file while another closes it: fcntl(2) notices
 * that, but looks for the lock in the inode of the view.
 */
void pst_unlock_all(struct file *file)
{
	struct file *l = file->private_data;
	struct file_lock_context *ctx = locks_inode_context(file_inode(l));
	struct file_lock *fl;
	fl_owner_t owner = NULL, last;

	if (!ctx)
		return;
	do {
		last = owner;
		owner = NULL;
		spin_lock(&ctx->flc_lock);
		list_for_each_entry(fl, &ctx->flc_posix, c.flc_list)
			if (fl->c.flc_file == l)
				owner = fl->c.flc_owner;
		spin_unlock(&ctx->flc_lock);
		/* The lower file system may fail to remove a lock. */
		if (owner && owner != last)
			locks_remove_posix(l, owner);
	} while (owner != last);
}

int pst_flock(struct file *file, int cmd, struct file_lock *fl)
{
	struct file *l = file->private_data;
	int ret;

	if (!pst_sb(file_inode(file)->i_sb)->lower_locks)
		return locks_lock_file_wait(file, fl);
	fl->c.flc_file = l;
	ret = l->f_op->flock ? l->f_op->flock(l, cmd, fl) : locks_lock_file_wait(l, fl);
	fl->c.flc_file = file;
	return ret;
}
