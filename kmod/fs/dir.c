// SPDX-License-Identifier: GPL-2.0-only
/*
 * Open directories: a listing is that of the lower directory, whose file each open directory of the
 * view has in private_data. The position is kept in the file of the view; the lower file gets it
 * before each call, under the lock of the position that the VFS holds.
 */
#include "filters/op.h"

/* Lists the lower directory from ctx->pos on. */
int pst_iterate_lower(struct file *lower, struct dir_context *ctx)
{
	loff_t at = 0;

	/*
	 * A listing with filters is behind the lower one if the caller had no room for all names.
	 * To set f_pos is not enough: tmpfs keeps in mind that it has listed all until somebody
	 * seeks.
	 */
	if (lower->f_pos != ctx->pos)
		at = vfs_llseek(lower, ctx->pos, SEEK_SET);
	return at < 0 ? at : iterate_dir(lower, ctx);
}

static int pst_iterate(struct file *file, struct dir_context *ctx)
{
	struct file *l = file->private_data;

	if (READ_ONCE(pst_sb(file_inode(file)->i_sb)->asked) >> FUSE_READDIR & 1)
		return pst_filter_iterate(file, ctx);
	return pst_iterate_lower(l, ctx);
}

const struct file_operations pst_dir_ops = {
	.owner = THIS_MODULE,
	.open = pst_open,
	.release = pst_release,
	.read = generic_read_dir,
	.iterate_shared = pst_iterate,
	.llseek = pst_llseek,
	.fsync = pst_fsync,
	.unlocked_ioctl = pst_ioctl,
	.compat_ioctl = pst_compat_ioctl,
	.flock = pst_lock,
	.setlease = c_nosetlease,
};
