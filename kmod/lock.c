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
