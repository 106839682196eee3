// SPDX-License-Identifier: GPL-2.0-only
/* Copies from file to file: copy_file_range(2), reflinks and shared blocks. */
#include "filters/op.h"

typedef ssize_t copy_fn(struct file *in, loff_t pos_in, struct file *out, loff_t pos_out,
			loff_t len, unsigned int flags);

static ssize_t copy_lower(struct file *in, loff_t pos_in, struct file *out, loff_t pos_out,
			  loff_t len, unsigned int flags)
{
	struct file *from = in->private_data, *to = pst_lower_file(out);
	ssize_t ret;

	if (IS_ERR(to))
		return PTR_ERR(to);
	ret = vfs_copy_file_range(from, pos_in, to, pos_out, len, flags);
	pst_wrote(out);
	return ret;
}

static ssize_t clone_lower(struct file *in, loff_t pos_in, struct file *out, loff_t pos_out,
			   loff_t len, unsigned int flags)
{
	struct file *from = in->private_data, *to = out->private_data;
	ssize_t ret;

	if (flags & REMAP_FILE_DEDUP)
		ret = vfs_dedupe_file_range_one(from, pos_in, to, pos_out, len, flags);
	else
		ret = vfs_clone_file_range(from, pos_in, to, pos_out, len, flags);
	pst_wrote(out);
	return ret;
}

/* Copies with the programs of filters, if they see it. */
static ssize_t do_copy(struct file *in, loff_t pos_in, struct file *out, loff_t pos_out, loff_t len,
		       unsigned int flags, copy_fn *copy)
{
	struct fuse_copy_file_range_out result = {};
	struct fuse_copy_file_range_in *arg;
	struct pst_op op __uninitialized;
	ssize_t ret;
	int err;

	if (!pst_asks2(&op, file_inode(in), file_inode(out), FUSE_COPY_FILE_RANGE_64))
		return copy(in, pos_in, out, pos_out, len, flags);
	arg = &op.in.copy;
	*arg = (struct fuse_copy_file_range_in){
		.fh_in = pst_fh(in),
		.off_in = pos_in,
		.nodeid_out = pst_i(file_inode(out))->nodeid,
		.fh_out = pst_fh(out),
		.off_out = pos_out,
		.len = len,
		.flags = flags,
	};
	op.out = &result;
	err = pst_before(&op);
	if (!err) {
		ret = copy(in, arg->off_in, out, arg->off_out, arg->len, arg->flags);
		err = min_t(ssize_t, ret, 0);
		result.bytes_copied = err ? 0 : ret;
	}
	err = pst_after(&op, err);
	return err ? err : result.bytes_copied;
}

/* The VFS calls this only with two files that have this function. */
ssize_t pst_copy_file_range(struct file *in, loff_t pos_in, struct file *out, loff_t pos_out,
			    size_t len, unsigned int flags)
{
	/*
	 * Reads and writes, as the kernel does if a FUSE view answers EXDEV: a filter sees the
	 * data, or the files are in two views, both of which no program can see.
	 */
	if (pst_is_served(file_inode(in)) || pst_is_served(file_inode(out)) ||
	    file_inode(in)->i_sb != file_inode(out)->i_sb)
		return splice_copy_file_range(in, pos_in, out, pos_out, len);
	return do_copy(in, pos_in, out, pos_out, len, flags, copy_lower);
}

/* For filters a reflink is a copy. Deduplication changes no data, so no program runs. */
loff_t pst_remap_file_range(struct file *in, loff_t pos_in, struct file *out, loff_t pos_out,
			    loff_t len, unsigned int flags)
{
	if (flags & ~(REMAP_FILE_DEDUP | REMAP_FILE_ADVISORY))
		return -EINVAL;
	if (in->f_op != &pst_file_ops || out->f_op != &pst_file_ops)
		return -EXDEV;
	if (flags & REMAP_FILE_DEDUP)
		return clone_lower(in, pos_in, out, pos_out, len, flags);
	return do_copy(in, pos_in, out, pos_out, len, flags, clone_lower);
}
