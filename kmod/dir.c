// SPDX-License-Identifier: GPL-2.0-only
/*
 * Open directories: a listing is that of the lower directory, whose file each open directory of the
 * view has in private_data. The position is kept in the file of the view; the lower file gets it
 * before each call, under the lock of the position that the VFS holds.
 */
#include "op.h"

static int open_lower(struct inode *inode, struct file *file)
{
	struct path lower = pst_lower_path(file->f_path.dentry);
	unsigned int flags = pst_lower_flags(file, MNT_NOATIME | MNT_NODIRATIME);
	struct file *l = dentry_open(&lower, flags, current_cred());

	if (IS_ERR(l))
		return PTR_ERR(l);
	file->private_data = l;
	return 0;
}

static int pst_dir_open(struct inode *inode, struct file *file)
{
	struct pst_op op;

	if (pst_asks(&op, inode, FUSE_OPENDIR))
		return pst_filter_open(&op, file, open_lower);
	return open_lower(inode, file);
}

static int pst_iterate(struct file *file, struct dir_context *ctx)
{
	struct file *l = file->private_data;

	if (pst_sb(file_inode(file)->i_sb)->filters)
		return pst_filter_iterate(file, ctx);
	l->f_pos = ctx->pos;
	return iterate_dir(l, ctx);
}

const struct file_operations pst_dir_ops = {
	.owner = THIS_MODULE,
	.open = pst_dir_open,
	.release = pst_release,
	.read = generic_read_dir,
	.iterate_shared = pst_iterate,
	.llseek = pst_llseek,
	.fsync = pst_fsync,
	.unlocked_ioctl = pst_ioctl,
	.compat_ioctl = pst_compat_ioctl,
	.flock = pst_flock,
	.setlease = c_nosetlease,
};
