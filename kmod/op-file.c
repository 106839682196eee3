// SPDX-License-Identifier: GPL-2.0-only
/* Operations that open files, and operations on open files, that filters see. */
#include "op.h"

/*
 * Opens a file or directory. A program that refuses it afterwards leaves nothing open below. The
 * VFS has its own copy of O_TRUNC and truncates the file once it is open.
 */
int pst_filter_open(struct pst_op *op, struct file *file,
		    int (*open)(struct inode *inode, struct file *file))
{
	struct fuse_open_in *in = &op->in.open;
	struct fuse_open_out out = {};
	u32 flags = file->f_flags & ~(O_CREAT | O_EXCL | O_NOCTTY);
	bool opened = false;
	int err;

	*in = (struct fuse_open_in){ .flags = flags };
	if (flags & O_TRUNC && !capable(CAP_FSETID))
		in->open_flags = FUSE_OPEN_KILL_SUIDGID;
	op->out = &out;
	err = pst_before(op);
	if (!err && (in->flags ^ flags) & O_TRUNC)
		err = pst_op_bad(op, true, "changed O_TRUNC, which is the caller's");
	if (!err) {
		err = open(file_inode(file), file);
		opened = !err;
		out.fh = opened ? pst_fh(file) : 0;
	}
	err = pst_after(op, err);
	if (err && opened) {
		fput(file->private_data);
		file->private_data = NULL;
	}
	return err;
}

ssize_t pst_filter_copy(struct pst_op *op, struct file *in, loff_t pos_in, struct file *out,
			loff_t pos_out, loff_t len, pst_copy_fn *copy)
{
	struct fuse_copy_file_range_in *arg = &op->in.copy;
	struct fuse_copy_file_range_out result = {};
	ssize_t ret;
	int err;

	*arg = (struct fuse_copy_file_range_in){
		.fh_in = pst_fh(in),
		.off_in = pos_in,
		.nodeid_out = pst_i(file_inode(out))->nodeid,
		.fh_out = pst_fh(out),
		.off_out = pos_out,
		.len = len,
		.flags = arg->flags,
	};
	op->out = &result;
	err = pst_before(op);
	if (!err) {
		ret = copy(in, arg->off_in, out, arg->off_out, arg->len, arg->flags);
		err = min_t(ssize_t, ret, 0);
		result.bytes_copied = err ? 0 : ret;
	}
	err = pst_after(op, err);
	return err ? err : result.bytes_copied;
}

/*
 * Programs see the command, not its data, which are in the memory of the caller; so they cannot
 * answer a command that has data.
 */
long pst_filter_ioctl(struct pst_op *op, struct file *file, unsigned int cmd, unsigned long arg,
		      unsigned int flags, pst_ioctl_fn *run)
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
		out.result = pst_pass_ioctl(file, cmd, arg, run);
		err = min(out.result, 0);
	}
	err = pst_after(op, err);
	return err ? err : out.result;
}
