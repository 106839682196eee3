// SPDX-License-Identifier: GPL-2.0-only
/* Commands of ioctl(2), which the lower file gets, and flags of inodes. */
#include "filters/op.h"

#include <linux/fscrypt.h>

typedef long ioctl_fn(struct file *file, unsigned int cmd, unsigned long arg);

/*
 * Checks if a command may be passed on. The lower file system has commands that make, remove or
 * change files, of which programs know nothing, so a view with filters passes on what the FUSE
 * engine does.
 */
static bool is_passed(const struct super_block *sb, unsigned int cmd)
{
	return !rcu_access_pointer(pst_sb(sb)->chain) || cmd == FS_IOC_GETVERSION ||
	       cmd == FS_IOC32_GETVERSION || cmd == FITRIM;
}

/*
 * Passes a command on to the lower file, which was opened by the same caller with the same rights.
 * The lower file system knows nothing of a view that is mounted read-only, so a command that can
 * change something needs write access to the mount of the view here.
 */
static long pass(struct file *file, unsigned int cmd, unsigned long arg, ioctl_fn *run)
{
	long ret;

	if (!is_passed(file_inode(file)->i_sb, cmd))
		return -ENOTTY;
	/* FS_IOC_SET_ENCRYPTION_POLICY has the direction of a command that reads, and writes. */
	if (_IOC_DIR(cmd) == _IOC_READ && cmd != FS_IOC_SET_ENCRYPTION_POLICY)
		return run(file->private_data, cmd, arg);
	ret = mnt_want_write_file(file);
	if (ret)
		return _IOC_DIR(cmd) == _IOC_NONE ? -ENOTTY : ret;
	ret = run(file->private_data, cmd, arg);
	mnt_drop_write_file(file);
	return ret;
}

/*
 * Programs see the command, not its data, which are in the memory of the caller; so they cannot
 * answer a command that has data.
 */
static long pass_with_programs(struct pst_op *op, struct file *file, unsigned int cmd,
			       unsigned long arg, unsigned int flags, ioctl_fn *run)
{
	struct fuse_ioctl_in in = {
		.fh = pst_fh(file),
		.flags = flags | (S_ISDIR(op->inode->i_mode) ? FUSE_IOCTL_DIR : 0),
		.cmd = cmd,
		.arg = arg,
	};
	struct fuse_ioctl_out out = {};
	int err;

	op->in.ioctl = in;
	op->out = &out;
	err = pst_before(op);
	if (!err && (op->in.ioctl.arg != arg || op->in.ioctl.flags != in.flags))
		err = pst_op_bad(op, true, "changed the argument of a command");
	if (err == PST_OP_DONE && _IOC_DIR(cmd) & _IOC_READ)
		err = pst_op_bad(op, true, "answered a command that has data");
	if (!err) {
		out.result = pass(file, cmd, arg, run);
		err = min(out.result, 0);
	}
	err = pst_after(op, err);
	return err ? err : out.result;
}

static long do_ioctl(struct file *file, unsigned int cmd, unsigned long arg, unsigned int flags,
		     ioctl_fn *run)
{
	struct pst_op op __uninitialized;

	if (!run)
		return flags ? -ENOIOCTLCMD : -ENOTTY;
	if (pst_asks(&op, file_inode(file), FUSE_IOCTL))
		return pass_with_programs(&op, file, cmd, arg, flags, run);
	return pass(file, cmd, arg, run);
}

static const struct file_operations *lower_fops(const struct file *file)
{
	return ((struct file *)file->private_data)->f_op;
}

/* The VFS turns commands for flags of inodes into calls of fileattr_get() and _set(). */
long pst_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return do_ioctl(file, cmd, arg, 0, lower_fops(file)->unlocked_ioctl);
}

long pst_compat_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return do_ioctl(file, cmd, arg, FUSE_IOCTL_COMPAT | FUSE_IOCTL_32BIT,
			lower_fops(file)->compat_ioctl);
}

/* ---- flags of inodes, which to filters are commands, too ------------------------------------ */

static int begin_flags(struct pst_op *op, struct dentry *dentry, u32 cmd)
{
	if (!pst_asks(op, d_inode(dentry), FUSE_IOCTL))
		return 0;
	op->in.ioctl = (struct fuse_ioctl_in){ .cmd = cmd };
	return pst_before(op);
}

int pst_fileattr_get(struct dentry *dentry, struct c_fileattr *fa)
{
	struct pst_op op __uninitialized;
	int err = begin_flags(&op, dentry, fa->fsx_valid ? FS_IOC_FSGETXATTR : FS_IOC_GETFLAGS);

	if (err == PST_OP_DONE)
		err = pst_op_bad(&op, true, "answered a command that has data");
	if (!err)
		err = vfs_fileattr_get(pst_lower(dentry), fa);
	return pst_after(&op, err);
}

static int set_lower_flags(struct dentry *dentry, struct c_fileattr *fa)
{
	const struct cred *caller;
	int err = pst_change_begin(dentry, &caller);

	if (err)
		return err;
	err = vfs_fileattr_set(pst_idmap(dentry->d_sb), pst_lower(dentry), fa);
	pst_copy_attr(d_inode(dentry));
	pst_change_end(dentry, caller);
	return err;
}

int pst_fileattr_set(struct mnt_idmap *idmap, struct dentry *dentry, struct c_fileattr *fa)
{
	struct pst_op op __uninitialized;
	int err = begin_flags(&op, dentry, fa->fsx_valid ? FS_IOC_FSSETXATTR : FS_IOC_SETFLAGS);

	if (!err)
		err = set_lower_flags(dentry, fa);
	return pst_after(&op, err);
}
