// SPDX-License-Identifier: GPL-2.0-only
/*
 * Opens the lower files of files and directories of the view. Each open file has its lower file in
 * private_data until it is released.
 */
#include "filters/op.h"

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
struct cred *pst_cred_without_context(const struct super_block *sb, const struct cred *caller)
{
	struct cred *cred = pst_mounter_cred(sb, caller->fsuid, caller->fsgid);

	if (!cred)
		return NULL;
	set_groups(cred, caller->group_info);
	cred->cap_effective = caller->user_ns == &init_user_ns ? caller->cap_effective :
								 CAP_EMPTY_SET;
	return cred;
}

/* Opens @lower; or, if @mode is not 0, a new file of that mode without a name in @lower. */
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
 * AppArmor, which go by paths, have checked the path in the view. They refuse the lower path, which
 * is on a private mount; then the file is opened again without the security context of the caller.
 */
static struct file *open_path(struct file *file, const struct path *lower, unsigned int flags,
			      umode_t mode, const struct cred *caller)
{
	struct file *l = open_as(file, lower, flags, mode, caller);
	struct cred *without;

	if (l != ERR_PTR(-EACCES))
		return l;
	without = pst_cred_without_context(file->f_path.dentry->d_sb, caller);
	if (!without)
		return ERR_PTR(-ENOMEM);
	l = open_as(file, lower, flags, mode, without);
	put_cred(without);
	return l;
}

static int open_lower(struct inode *inode, struct file *file)
{
	struct path lower = pst_lower_path(file->f_path.dentry);
	int noatime = S_ISDIR(inode->i_mode) ? MNT_NOATIME | MNT_NODIRATIME : MNT_NOATIME;
	unsigned int flags = pst_lower_flags(file, noatime) & ~(O_CREAT | O_EXCL | O_NOCTTY);
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
	l = open_path(file, &lower, flags, 0, current_cred());
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

/*
 * Opens a file or directory. A program that refuses it afterwards leaves nothing open below. The
 * VFS has its own copy of O_TRUNC and truncates the file once it is open.
 */
static int open_with_programs(struct pst_op *op, struct file *file)
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
		err = open_lower(op->inode, file);
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

int pst_open(struct inode *inode, struct file *file)
{
	struct pst_op op __uninitialized;

	/* A file that was just made was opened by CREATE. */
	if (!(file->f_mode & FMODE_CREATED) &&
	    pst_asks(&op, inode, S_ISDIR(inode->i_mode) ? FUSE_OPENDIR : FUSE_OPEN))
		return open_with_programs(&op, file);
	return open_lower(inode, file);
}

int pst_release(struct inode *inode, struct file *file)
{
	struct file *l = file->private_data;
	struct pst_op op __uninitialized;
	int ret = 0;

	if (pst_asks(&op, inode, S_ISDIR(inode->i_mode) ? FUSE_RELEASEDIR : FUSE_RELEASE)) {
		op.in.release =
			(struct fuse_release_in){ .fh = pst_fh(file), .flags = file->f_flags };
		ret = pst_before(&op);
	}
	if (pst_sb(inode->i_sb)->lower_locks)
		pst_unlock_all(file);
	/* Not when the task returns to user mode: as each ->release(), this runs without locks. */
	__fput_sync(l);
	pst_forget_removed_below(file->f_path.dentry);
	pst_after(&op, ret);
	return 0;
}

/* The VFS then refuses O_DIRECT if the file cannot do it. */
static int keep_lower_file(struct inode *inode, struct file *file)
{
	struct file *lower = file->private_data;

	file->f_mode |= lower->f_mode & (FMODE_CAN_ODIRECT | FMODE_NOWAIT);
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
	int err = pst_name_begin(&op);

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
	l = open_path(file, &parent, pst_lower_flags(file, MNT_NOATIME), op.mode, caller);
	pst_act_again(old);
	err = PTR_ERR_OR_ZERO(l);
	if (!err)
		err = pst_add_permissions(&op, l->f_path.dentry);
	mnt_drop_write(parent.mnt);
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
