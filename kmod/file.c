// SPDX-License-Identifier: GPL-2.0-only
/*
 * Open files.
 *
 * An open file of the view has an open lower file in private_data. Reads and writes go there with
 * the credentials of the caller, asynchronous ones by the backing file functions of the kernel, and
 * there is no cache here; mappings are mappings of the lower file. Reads take no lock, writes do
 * not exclude each other here.
 */
#include "op.h"

#define FOLLOWED_FLAGS (O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME)

/*
 * Returns the flags for the lower file. A view that is mounted with one of the flags @noatime, or
 * read-only, must not move the times below either.
 */
unsigned int pst_lower_flags(const struct file *file, int noatime)
{
	struct vfsmount *mnt = file->f_path.mnt;

	if (mnt->mnt_flags & noatime || __mnt_is_readonly(mnt))
		return file->f_flags | O_NOATIME;
	return file->f_flags;
}

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

/* Checks what may_open() has checked on the copies of the inode's flags, which can be old. */
static int check_append_only(const struct file *file, const struct inode *lower)
{
	if (!IS_APPEND(lower))
		return 0;
	if (file->f_mode & FMODE_WRITE && !(file->f_flags & O_APPEND))
		return -EPERM;
	return file->f_flags & O_TRUNC ? -EPERM : 0;
}

/*
 * Returns the credentials of the caller with the security context of the task that mounted the
 * view; NULL: no memory.
 */
static struct cred *without_context(const struct super_block *sb, const struct cred *caller)
{
	struct cred *cred = pst_mounter_cred(sb, caller->fsuid, caller->fsgid);

	if (!cred)
		return NULL;
	set_groups(cred, caller->group_info);
	cred->cap_effective = caller->user_ns == &init_user_ns ? caller->cap_effective :
								 CAP_EMPTY_SET;
	return cred;
}

/* mode: of a file without a name in the directory @lower; 0: opens @lower. */
static struct file *open_as(struct file *file, const struct path *lower, unsigned int flags,
			    umode_t mode, const struct cred *cred)
{
	if (mode)
		return backing_tmpfile_open(c_backing_user(file), flags, lower, mode, cred);
	if (d_is_dir(lower->dentry))
		return dentry_open(lower, flags, cred);
	return backing_file_open(c_backing_user(file), flags, lower, cred);
}

/*
 * Opens the lower file of a file of the view for a caller; for @mode see open_as(). Landlock and
 * AppArmor, which go by paths, have checked that of the view. They refuse the lower path, which is
 * on a private mount: then it is opened anew without the security context of the caller.
 */
struct file *pst_open_path(struct file *file, const struct path *lower, unsigned int flags,
			   umode_t mode, const struct cred *caller)
{
	struct file *l = open_as(file, lower, flags, mode, caller);
	struct cred *without;

	if (l != ERR_PTR(-EACCES))
		return l;
	without = without_context(file->f_path.dentry->d_sb, caller);
	if (!without)
		return ERR_PTR(-ENOMEM);
	l = open_as(file, lower, flags, mode, without);
	put_cred(without);
	return l;
}

static int open_lower(struct inode *inode, struct file *file)
{
	struct path lower = pst_lower_path(file->f_path.dentry);
	unsigned int flags = pst_lower_flags(file, MNT_NOATIME) & ~(O_CREAT | O_EXCL | O_NOCTTY);
	int err = check_append_only(file, d_inode(lower.dentry));
	struct file *l;

	if (err)
		return err;
	/* The VFS truncates it, but filters of the second tree have to see the flag. */
	if (!pst_is_served(inode))
		flags &= ~O_TRUNC;
	/* exec reads set-id bits from the copies after this. */
	if (i_size_read(inode) != i_size_read(d_inode(lower.dentry)))
		pst_copy_attr(inode);
	else
		pst_refresh(inode);
	/* pst_permission() checked permission, so it is not checked again for the lower inode. */
	l = pst_open_path(file, &lower, flags, 0, current_cred());
	if (IS_ERR(l))
		return PTR_ERR(l);
	if (unlikely(pst_i(inode)->hidden) && file->f_mode & FMODE_WRITE &&
	    !(file->f_mode & FMODE_CREATED))
		err = pst_clear_hidden(inode, l);
	if (err) {
		fput(l);
		return err;
	}
	file->f_mode |= l->f_mode & (FMODE_CAN_ODIRECT | FMODE_NOWAIT);
	file->private_data = l;
	return 0;
}

static int pst_open(struct inode *inode, struct file *file)
{
	struct pst_op op;

	/* A file that was just made was opened by CREATE. */
	if (!(file->f_mode & FMODE_CREATED) && pst_asks(&op, inode, FUSE_OPEN))
		return pst_filter_open(&op, file, open_lower);
	return open_lower(inode, file);
}

int pst_release(struct inode *inode, struct file *file)
{
	struct file *l = file->private_data;
	struct pst_op op;
	int ret = 0;

	if (pst_asks(&op, inode, S_ISDIR(inode->i_mode) ? FUSE_RELEASEDIR : FUSE_RELEASE)) {
		op.in.release =
			(struct fuse_release_in){ .fh = pst_fh(file), .flags = file->f_flags };
		ret = pst_before(&op);
	}
	if (pst_sb(inode->i_sb)->lower_locks)
		pst_unlock_all(file);
	fput(l);
	pst_after(&op, ret);
	return 0;
}

static int flush_lower(struct file *file, fl_owner_t id)
{
	struct file *l = file->private_data;

	return l->f_op->flush ? l->f_op->flush(l, id) : 0;
}

int pst_flush(struct file *file, fl_owner_t id)
{
	struct pst_op op;
	int ret = 0;

	/* close(2) looks for locks in the inode of the view only. */
	if (pst_sb(file_inode(file)->i_sb)->lower_locks)
		locks_remove_posix(file->private_data, id);
	if (pst_asks(&op, file_inode(file), FUSE_FLUSH)) {
		op.in.flush = (struct fuse_flush_in){ .fh = pst_fh(file),
						      .lock_owner = (unsigned long)id };
		ret = pst_before(&op);
	}
	if (!ret)
		ret = flush_lower(file, id);
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

	if (IS_ERR(l))
		return PTR_ERR(l);
	return is_plain(l) ? vfs_splice_read(l, ppos, pipe, len, flags) :
			     c_splice_read(file, l, ppos, pipe, len, flags);
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

/* As the daemon's, programs see only what asks the lower file system. */
loff_t pst_llseek(struct file *file, loff_t offset, int whence)
{
	struct inode *inode = file_inode(file);
	struct fuse_lseek_out out = {};
	struct pst_op op;
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
	struct pst_op op;
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
	struct pst_op op;
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

/* The VFS calls this only with two files that have this function. */
static ssize_t pst_copy_file_range(struct file *in, loff_t pos_in, struct file *out, loff_t pos_out,
				   size_t len, unsigned int flags)
{
	struct pst_op op;

	/*
	 * As the kernel does where a FUSE view answers EXDEV: because a filter sees the data, or
	 * because no program can see files of two views.
	 */
	if (pst_is_served(file_inode(in)) || pst_is_served(file_inode(out)) ||
	    file_inode(in)->i_sb != file_inode(out)->i_sb)
		return splice_copy_file_range(in, pos_in, out, pos_out, len);
	if (pst_asks2(&op, file_inode(in), file_inode(out), FUSE_COPY_FILE_RANGE_64)) {
		op.in.copy.flags = flags;
		return pst_filter_copy(&op, in, pos_in, out, pos_out, len, copy_lower);
	}
	return copy_lower(in, pos_in, out, pos_out, len, flags);
}

/* To filters a reflink is a copy. A file that shares its blocks anew has the same data. */
static loff_t pst_remap_file_range(struct file *in, loff_t pos_in, struct file *out, loff_t pos_out,
				   loff_t len, unsigned int flags)
{
	struct pst_op op;

	if (flags & ~(REMAP_FILE_DEDUP | REMAP_FILE_ADVISORY))
		return -EINVAL;
	if (in->f_op != &pst_file_ops || out->f_op != &pst_file_ops)
		return -EXDEV;
	if (!(flags & REMAP_FILE_DEDUP) &&
	    pst_asks2(&op, file_inode(in), file_inode(out), FUSE_COPY_FILE_RANGE_64)) {
		op.in.copy.flags = flags;
		return pst_filter_copy(&op, in, pos_in, out, pos_out, len, clone_lower);
	}
	return clone_lower(in, pos_in, out, pos_out, len, flags);
}

/*
 * Passes a command on to the lower file, which was opened by the same caller with the same rights.
 * The lower file system knows nothing of a view that is mounted read-only, so a command that can
 * change something needs write access to the mount of the view here.
 */
long pst_pass_ioctl(struct file *file, unsigned int cmd, unsigned long arg, pst_ioctl_fn *run)
{
	long ret;

	if (_IOC_DIR(cmd) == _IOC_READ)
		return run(file->private_data, cmd, arg);
	ret = mnt_want_write_file(file);
	if (ret)
		return _IOC_DIR(cmd) == _IOC_NONE ? -ENOTTY : ret;
	ret = run(file->private_data, cmd, arg);
	mnt_drop_write_file(file);
	return ret;
}

static long do_ioctl(struct file *file, unsigned int cmd, unsigned long arg, unsigned int flags,
		     pst_ioctl_fn *run)
{
	struct pst_op op;

	if (pst_asks(&op, file_inode(file), FUSE_IOCTL))
		return pst_filter_ioctl(&op, file, cmd, arg, flags, run);
	return pst_pass_ioctl(file, cmd, arg, run);
}

/* Flags of inodes do not come here, but by fileattr. */
long pst_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct file *l = file->private_data;

	if (!l->f_op->unlocked_ioctl)
		return -ENOTTY;
	return do_ioctl(file, cmd, arg, 0, l->f_op->unlocked_ioctl);
}

long pst_compat_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct file *l = file->private_data;

	if (!l->f_op->compat_ioctl)
		return -ENOIOCTLCMD;
	return do_ioctl(file, cmd, arg, FUSE_IOCTL_COMPAT | FUSE_IOCTL_32BIT,
			l->f_op->compat_ioctl);
}

static int keep_lower_file(struct inode *inode, struct file *file)
{
	return 0;
}

/* Opens a new file, with an open lower file, whose reference this takes over. */
int pst_finish_open(struct file *file, struct dentry *dentry, struct file *lower)
{
	int err;

	file->private_data = lower;
	err = finish_open(file, dentry, keep_lower_file);
	if (!(file->f_mode & FMODE_OPENED)) /* ->release will not be called */
		fput(lower);
	else
		file->f_mode |= lower->f_mode & (FMODE_CAN_ODIRECT | FMODE_NOWAIT);
	return err;
}

/*
 * Opens a file without a name. The lower file that vfs_tmpfile() opens is the one that the file of
 * the view gets: a second open would need permission that a file of mode 0 does not give.
 */
int pst_tmpfile(struct mnt_idmap *idmap, struct inode *dir, struct file *file, umode_t mode)
{
	struct dentry *dentry = file->f_path.dentry;
	struct path parent;
	struct pst_name_op op = { .opcode = FUSE_TMPFILE,
				  .dentry = dentry,
				  .mode = (mode & ~S_IFMT) | S_IFREG,
				  .flags = file->f_flags };
	const struct cred *caller = current_cred(), *old;
	struct inode *inode = NULL;
	struct file *l;
	int err = pst_serve_choose(&op) ?: pst_name_begin(&op);

	if (err)
		return err;
	parent = pst_lower_path(dentry->d_parent);
	if (op.served)
		parent = (struct path){ .mnt = pst_sb(dir->i_sb)->serve.mnt,
					.dentry = pst_second_dir(dentry->d_parent) };
	err = mnt_want_write(parent.mnt);
	if (err)
		return pst_name_end(&op, err, NULL);
	old = pst_act_as(op.cred);
	l = pst_open_path(file, &parent, pst_lower_flags(file, MNT_NOATIME), op.mode, caller);
	pst_act_again(old);
	mnt_drop_write(parent.mnt);
	err = PTR_ERR_OR_ZERO(l);
	if (!err)
		inode = pst_iget(dir->i_sb, file_inode(l));
	if (IS_ERR(inode)) {
		err = PTR_ERR(inode);
		inode = NULL;
	}
	err = pst_name_end(&op, err, inode);
	if (err) {
		iput(inode);
		if (!IS_ERR(l))
			fput(l);
		return err;
	}
	pst_replace_lower(dentry, dget(l->f_path.dentry));
	d_mark_tmpfile(file, inode);
	d_instantiate(dentry, inode);
	pst_settle(dentry, op.began);
	return pst_finish_open(file, dentry, l);
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
	.flock = pst_flock,
	.setlease = c_nosetlease,
};
