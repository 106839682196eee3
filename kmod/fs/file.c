// SPDX-License-Identifier: GPL-2.0-only
/*
 * Open files.
 *
 * An open file of the view has an open lower file in private_data. Reads and writes go there with
 * the credentials of the caller, asynchronous ones by the backing file functions of the kernel, and
 * there is no cache here; mappings are mappings of the lower file. Reads take no lock, writes do
 * not exclude each other here.
 */
#include "filters/op.h"

#define FOLLOWED_FLAGS (O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME)

/*
 * Returns the lower file, with the flags that fcntl(F_SETFL) has given the file of the view since.
 * An error where the lower file does not take them.
 */
struct file *pst_lower_file(struct file *file)
{
	struct file *l = file->private_data;
	unsigned int flags = pst_lower_flags(file, MNT_NOATIME);

	if (likely(!((flags ^ l->f_flags) & FOLLOWED_FLAGS)))
		return l;
	if ((flags ^ l->f_flags) & O_APPEND && IS_APPEND(file_inode(l)))
		return ERR_PTR(-EPERM);
	if (flags & O_DIRECT && !(l->f_mode & FMODE_CAN_ODIRECT))
		return ERR_PTR(-EINVAL);
	spin_lock(&l->f_lock);
	l->f_flags = (l->f_flags & ~FOLLOWED_FLAGS) | (flags & FOLLOWED_FLAGS);
	l->f_iocb_flags = iocb_flags(l);
	spin_unlock(&l->f_lock);
	return l;
}

static int pst_flush(struct file *file, fl_owner_t id)
{
	struct file *l = file->private_data;
	struct pst_op op __uninitialized;
	int ret = 0;

	/* close(2) looks for locks in the inode of the view only. */
	if (pst_sb(file_inode(file)->i_sb)->lower_locks)
		locks_remove_posix(l, id);
	if (pst_asks(&op, file_inode(file), FUSE_FLUSH)) {
		op.in.flush = (struct fuse_flush_in){ .fh = pst_fh(file),
						      .lock_owner = (unsigned long)id };
		ret = pst_before(&op);
	}
	if (!ret && l->f_op->flush)
		ret = l->f_op->flush(l, id);
	return pst_after(&op, ret);
}

void pst_wrote(struct file *file)
{
	struct inode *inode = file_inode(file), *l = pst_lower_inode(inode);

	if (i_size_read(inode) == i_size_read(l))
		return;
	spin_lock(&inode->i_lock);
	i_size_write(inode, i_size_read(l));
	spin_unlock(&inode->i_lock);
}

/* The flags of one read or write, which have the same bits in both types. */
static rwf_t rw_flags(const struct kiocb *iocb)
{
	const int passed = IOCB_HIPRI | IOCB_DSYNC | IOCB_SYNC | IOCB_NOWAIT | IOCB_APPEND;

	return (__force rwf_t)(iocb->ki_flags & passed);
}

/*
 * Checks if a lower file is not one of the backing files of the kernel, whose functions refuse it:
 * that of a served file that was created with it.
 */
static bool is_plain(const struct file *lower)
{
	return unlikely(!(lower->f_mode & FMODE_BACKING));
}

static ssize_t pst_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct backing_file_ctx ctx = c_backing_ctx(iocb->ki_filp);
	struct file *l = pst_lower_file(iocb->ki_filp);

	if (IS_ERR(l))
		return PTR_ERR(l);
	if (is_sync_kiocb(iocb) || is_plain(l))
		return vfs_iter_read(l, to, &iocb->ki_pos, rw_flags(iocb));
	return backing_file_read_iter(l, to, iocb, iocb->ki_flags, &ctx);
}

/*
 * Asynchronous writes hold the lock of the view's inode, shared. The backing file functions strip
 * set-id bits from the inode of the view where it is not S_NOSEC, without its lock, and a chmod(2)
 * that sets such a bit takes S_NOSEC away until pst_copy_attr() sets it again. A chmod holds the
 * lock exclusively; after one that failed the next write sets S_NOSEC. For other writes the backing
 * file functions would do nothing else that is needed here.
 */
static ssize_t pst_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct backing_file_ctx ctx = c_backing_ctx(iocb->ki_filp);
	struct inode *inode = file_inode(iocb->ki_filp);
	struct file *l = pst_lower_file(iocb->ki_filp);
	ssize_t ret;

	if (IS_ERR(l))
		return PTR_ERR(l);
	if (is_sync_kiocb(iocb) || is_plain(l)) {
		ret = vfs_iter_write(l, from, &iocb->ki_pos, rw_flags(iocb));
		pst_wrote(iocb->ki_filp);
		return ret;
	}
	if (!(iocb->ki_flags & IOCB_NOWAIT))
		inode_lock_shared(inode);
	else if (!IS_NOSEC(inode) || !inode_trylock_shared(inode))
		return -EAGAIN;
	if (unlikely(!IS_NOSEC(inode)))
		pst_copy_attr(inode);
	ret = backing_file_write_iter(l, from, iocb, iocb->ki_flags, &ctx);
	inode_unlock_shared(inode);
	return ret;
}

static ssize_t pst_splice_read(struct file *file, loff_t *ppos, struct pipe_inode_info *pipe,
			       size_t len, unsigned int flags)
{
	struct file *l = pst_lower_file(file);

	return IS_ERR(l) ? PTR_ERR(l) : vfs_splice_read(l, ppos, pipe, len, flags);
}

/*
 * The function of the backing files wants the lock of the view's inode, as in pst_write_iter(). But
 * this waits until the pipe has data, for as long as its writer likes, and whoever changes the file
 * or its name meanwhile would wait too. The lower file's own function strips set-id bits.
 */
static ssize_t pst_splice_write(struct pipe_inode_info *pipe, struct file *file, loff_t *ppos,
				size_t len, unsigned int flags)
{
	struct file *l = pst_lower_file(file);
	ssize_t ret;

	if (IS_ERR(l))
		return PTR_ERR(l);
	if (!l->f_op->splice_write)
		return -EINVAL;
	file_start_write(l);
	ret = l->f_op->splice_write(pipe, l, ppos, len, flags);
	file_end_write(l);
	pst_wrote(file);
	return ret;
}

static int pst_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct backing_file_ctx ctx = c_backing_ctx(file);
	struct file *l = file->private_data;

	if (!is_plain(l))
		return backing_file_mmap(l, vma, &ctx);
	if (!l->f_op->mmap)
		return -ENODEV;
	vma_set_file(vma, l);
	return l->f_op->mmap(l, vma);
}

/* The lower file chooses the address: only then can large folios be mapped as such. */
static unsigned long pst_get_unmapped_area(struct file *file, unsigned long addr, unsigned long len,
					   unsigned long pgoff, unsigned long flags)
{
	struct file *l = file->private_data;

	if (l->f_op->get_unmapped_area)
		return l->f_op->get_unmapped_area(l, addr, len, pgoff, flags);
	return c_get_unmapped_area(l, addr, len, pgoff, flags);
}

/*
 * Also for directories. The VFS holds the lock of the position, and only this uses the lower one.
 */
static loff_t seek_lower(struct file *file, loff_t offset, int whence)
{
	struct file *l = file->private_data;
	loff_t ret;

	l->f_pos = file->f_pos;
	ret = vfs_llseek(l, offset, whence);
	file->f_pos = l->f_pos;
	return ret;
}

/* As in the FUSE engine, programs see only seeks that ask the lower file system. */
loff_t pst_llseek(struct file *file, loff_t offset, int whence)
{
	struct inode *inode = file_inode(file);
	struct fuse_lseek_out out = {};
	struct pst_op op __uninitialized;
	loff_t ret = 0;
	int err;

	if ((whence != SEEK_DATA && whence != SEEK_HOLE) || S_ISDIR(inode->i_mode) ||
	    !pst_asks(&op, inode, FUSE_LSEEK))
		return seek_lower(file, offset, whence);
	op.in.lseek =
		(struct fuse_lseek_in){ .fh = pst_fh(file), .offset = offset, .whence = whence };
	op.out = &out;
	err = pst_before(&op);
	if (!err) {
		ret = seek_lower(file, op.in.lseek.offset, op.in.lseek.whence);
		out.offset = ret;
		err = min(ret, 0);
	}
	err = pst_after(&op, err);
	return err ? err : vfs_setpos(file, out.offset, inode->i_sb->s_maxbytes);
}

int pst_fsync(struct file *file, loff_t start, loff_t end, int datasync)
{
	struct inode *inode = file_inode(file);
	struct pst_op op __uninitialized;
	int ret = 0;

	if (pst_asks(&op, inode, S_ISDIR(inode->i_mode) ? FUSE_FSYNCDIR : FUSE_FSYNC)) {
		op.in.fsync = (struct fuse_fsync_in){
			.fh = pst_fh(file), .fsync_flags = datasync ? FUSE_FSYNC_FDATASYNC : 0
		};
		ret = pst_before(&op);
		datasync = op.in.fsync.fsync_flags & FUSE_FSYNC_FDATASYNC;
	}
	if (!ret)
		ret = vfs_fsync_range(file->private_data, start, end, datasync);
	return pst_after(&op, ret);
}

static long pst_fallocate(struct file *file, int mode, loff_t offset, loff_t len)
{
	struct fuse_fallocate_in *in;
	struct pst_op op __uninitialized;
	int ret = 0;

	if (pst_asks(&op, file_inode(file), FUSE_FALLOCATE)) {
		in = &op.in.fallocate;
		*in = (struct fuse_fallocate_in){
			.fh = pst_fh(file), .offset = offset, .length = len, .mode = mode
		};
		ret = pst_before(&op);
		mode = in->mode;
		offset = in->offset;
		len = in->length;
	}
	if (!ret) {
		ret = vfs_fallocate(file->private_data, mode, offset, len);
		pst_wrote(file);
	}
	return pst_after(&op, ret);
}

static int pst_fadvise(struct file *file, loff_t offset, loff_t len, int advice)
{
	return vfs_fadvise(file->private_data, offset, len, advice);
}

const struct file_operations pst_file_ops = {
	.owner = THIS_MODULE,
	.open = pst_open,
	.release = pst_release,
	.flush = pst_flush,
	.llseek = pst_llseek,
	.read_iter = pst_read_iter,
	.write_iter = pst_write_iter,
	.splice_read = pst_splice_read,
	.splice_write = pst_splice_write,
	.mmap = pst_mmap,
	.get_unmapped_area = pst_get_unmapped_area,
	.fsync = pst_fsync,
	.fallocate = pst_fallocate,
	.fadvise = pst_fadvise,
	.copy_file_range = pst_copy_file_range,
	.remap_file_range = pst_remap_file_range,
	.unlocked_ioctl = pst_ioctl,
	.compat_ioctl = pst_compat_ioctl,
	.lock = pst_lock,
	.flock = pst_lock,
	.setlease = c_nosetlease,
};
