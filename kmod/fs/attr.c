// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attributes and permission.
 *
 * The lower inode is asked each time. The inode of the view has copies of what the VFS reads by
 * itself: the mode and the owner for exec, sticky directories and protected links, the link count
 * for link(2), the flags for append-only files. They are compared with the lower inode whenever a
 * path walk comes by, and copied under i_lock where they differ. The inode is S_NOSEC for good, so
 * that the VFS leaves it to the lower file system to strip set-id bits when data is written.
 */
#include "filters/op.h"

kuid_t pst_mapped_uid(const struct inode *inode)
{
	return vfsuid_into_kuid(i_uid_into_vfsuid(pst_idmap(inode->i_sb), pst_lower_inode(inode)));
}

kgid_t pst_mapped_gid(const struct inode *inode)
{
	return vfsgid_into_kgid(i_gid_into_vfsgid(pst_idmap(inode->i_sb), pst_lower_inode(inode)));
}

/*
 * Returns the copy of a mode. The view may lack nosuid: exec must not find set-id bits that the
 * mount of LOWER ignores.
 */
static umode_t copied_mode(const struct inode *inode, umode_t mode)
{
	if (pst_sb(inode->i_sb)->nosuid && S_ISREG(inode->i_mode))
		mode &= ~PST_SET_ID;
	/* A lower inode that goes bad becomes a regular file; the operations here stay. */
	return (inode->i_mode & S_IFMT) | (mode & ~S_IFMT);
}

bool pst_adapted_differs(const struct inode *inode)
{
	if (pst_shows(inode))
		return pst_shown_differs(inode);
	return inode->i_mode != copied_mode(inode, READ_ONCE(pst_lower_inode(inode)->i_mode)) ||
	       !uid_eq(inode->i_uid, pst_lower_uid(inode)) ||
	       !gid_eq(inode->i_gid, pst_lower_gid(inode));
}

/*
 * Locks the lower inode if a file with this mode is a set-ID program: during a chown(2), the lower
 * inode has the new owner and the old bits. Returns true for pst_unlock_program().
 */
bool pst_lock_program(const struct inode *inode, umode_t mode)
{
	if (!S_ISREG(inode->i_mode) || !(mode & PST_SET_ID))
		return false;
	inode_lock_shared(pst_lower_inode(inode));
	return true;
}

void pst_unlock_program(const struct inode *inode, bool locked)
{
	if (locked)
		inode_unlock_shared(pst_lower_inode(inode));
}

/*
 * Sets the owner and the mode, with i_lock held. execve(2) reads the mode and then the owner of the
 * inode, whose lock it holds, and must not see set-ID bits with the owner that comes after them. So
 * the owner changes when no other task has that lock since the bits are gone. Returns false if one
 * has: then the bits are gone, and the owner is the old one.
 */
bool pst_set_owner(struct inode *inode, kuid_t uid, kgid_t gid, umode_t mode)
{
	struct pst_inode *pi = pst_i(inode);

	mode = copied_mode(inode, mode);
	if (!uid_eq(inode->i_uid, uid) || !gid_eq(inode->i_gid, gid)) {
		if (pi->set_id) {
			WRITE_ONCE(inode->i_mode, inode->i_mode & ~PST_SET_ID);
			if (inode_trylock(inode))
				inode_unlock(inode);
			else if (!c_holds_inode(inode))
				return false;
			pi->set_id = false;
		}
		inode->i_uid = uid;
		inode->i_gid = gid;
		smp_wmb();
	}
	WRITE_ONCE(inode->i_mode, mode);
	pi->set_id |= S_ISREG(mode) && mode & PST_SET_ID;
	return true;
}

/* Copies owner and mode of the lower inode. locked: the result of pst_lock_program(). */
static bool copy_owner(struct inode *inode, bool locked)
{
	struct pst_inode *pi = pst_i(inode);
	umode_t mode = READ_ONCE(pi->lower->i_mode);
	bool done;

	if (S_ISREG(mode) && !locked)
		mode &= ~PST_SET_ID;
	/* Not written again, because readers would have to decide again. */
	if (inode->i_mode == mode && !(mode & PST_SET_ID) &&
	    uid_eq(inode->i_uid, pst_lower_uid(inode)) &&
	    gid_eq(inode->i_gid, pst_lower_gid(inode)) && !pi->other && !pi->seen.filters)
		return true;
	write_seqcount_begin(&pi->seq);
	done = pst_set_owner(inode, pst_lower_uid(inode), pst_lower_gid(inode), mode);
	if (done) {
		pi->other = false;
		pi->hidden = 0;
		pi->seen.filters = 0;
	}
	write_seqcount_end(&pi->seq);
	return done;
}

/*
 * Copies the attributes of the lower inode, but not those that filters show. The caller holds a
 * reference to the inode. Returns false if pst_set_owner() does.
 */
bool pst_copy_attr(struct inode *inode)
{
	const struct inode *l = pst_lower_inode(inode);
	bool shows = pst_shows(inode), done = true;
	bool locked = !shows && pst_lock_program(inode, READ_ONCE(l->i_mode));
	unsigned int nlink;

	spin_lock(&inode->i_lock);
	/* The VFS takes S_NOSEC away when it sets set-id bits. */
	if ((inode->i_flags ^ (l->i_flags | S_NOSEC)) & (PST_COPIED_FLAGS | S_NOSEC))
		inode_set_flags(inode, (l->i_flags & PST_COPIED_FLAGS) | S_NOSEC,
				PST_COPIED_FLAGS | S_NOSEC);
	if (!shows)
		done = copy_owner(inode, locked);
	/* Two tasks in set_nlink() would count an inode without links twice. */
	nlink = READ_ONCE(l->i_nlink);
	if (inode->i_nlink != nlink)
		set_nlink(inode, nlink);
	i_size_write(inode, i_size_read(l));
	spin_unlock(&inode->i_lock);
	pst_unlock_program(inode, locked);
	return done;
}

int pst_permission(struct mnt_idmap *idmap, struct inode *inode, int mask)
{
	int err = 0;

	if (unlikely(pst_sb(inode->i_sb)->adapts))
		return pst_permission_shown(inode, mask);
	if (unlikely(pst_attr_differs(inode)))
		err = mask & MAY_NOT_BLOCK ? -ECHILD : pst_renew_differing(inode);
	return err ?: inode_permission(pst_idmap(inode->i_sb), pst_lower_inode(inode), mask);
}

/*
 * Checks that vfs_getattr_nosec() adds nothing to what ->getattr says of a lower inode. For the
 * view it took STATX_ATIME out of the result, because the view is SB_NOATIME.
 */
static bool has_ordinary_attr(const struct inode *l)
{
	return !(l->i_sb->s_flags & SB_NOATIME) && !S_ISBLK(l->i_mode) &&
	       !(l->i_flags & (S_AUTOMOUNT | S_DAX | S_VERITY));
}

/* Gets the attributes of the lower inode. The VFS prepared @stat and @flags for ->getattr. */
int pst_getattr_lower(const struct path *path, struct kstat *stat, u32 mask, unsigned int flags)
{
	struct path lower = pst_lower_path(path->dentry);
	struct inode *inode = d_inode(path->dentry);
	const struct inode *l = d_inode(lower.dentry);
	int err;

	/*
	 * The LSM was asked about the view; it does not know the private mount of the lower path.
	 * vfs_getattr_nosec() would do for an ordinary file what it has done for the view.
	 */
	if (likely(l->i_op->getattr && has_ordinary_attr(l))) {
		stat->result_mask |= STATX_ATIME;
		err = l->i_op->getattr(mnt_idmap(lower.mnt), &lower, stat, mask, flags);
	} else {
		err = vfs_getattr_nosec(&lower, stat, mask, flags);
	}
	if (err)
		return err;
	stat->dev = inode->i_sb->s_dev;
	if (i_size_read(inode) != stat->size)
		pst_copy_attr(inode);
	return 0;
}

/* As with FUSE, it is a STATX if the time of birth is wanted. */
int pst_getattr(struct mnt_idmap *idmap, const struct path *path, struct kstat *stat, u32 mask,
		unsigned int flags)
{
	struct inode *inode = d_inode(path->dentry);
	struct pst_op op __uninitialized;

	/*
	 * Only the mount is asked for, as `penstock filter` does. A filter that refuses GETATTR
	 * must not keep anybody from removing it.
	 */
	if (!mask && flags & AT_STATX_DONT_SYNC) {
		stat->dev = inode->i_sb->s_dev;
		stat->ino = pst_lower_inode(inode)->i_ino;
		stat->mode = inode->i_mode & S_IFMT;
		stat->result_mask = STATX_TYPE | STATX_INO;
		return 0;
	}
	if (pst_asks(&op, inode, mask & STATX_BTIME ? FUSE_STATX : FUSE_GETATTR))
		return pst_filter_getattr(&op, path, stat, mask, flags);
	return pst_getattr_lower(path, stat, mask, flags);
}

/*
 * Prepares a change for notify_change() of the lower inode, whose lock the caller holds.
 *
 * The VFS took the set-id bits that are to go from the copies, or did not look, because the inode
 * of the view is S_NOSEC: here they are taken from the lower inode, as chown_common() and
 * do_truncate() do. A truncation may drop them although the caller is not the owner (ATTR_FORCE).
 */
static void adapt_change(struct iattr *attr, struct mnt_idmap *idmap, struct inode *lower,
			 umode_t hidden)
{
	const unsigned int kill = ATTR_KILL_SUID | ATTR_KILL_SGID;
	const unsigned int checked = ATTR_UID | ATTR_GID | ATTR_MODE | ATTR_ATIME_SET |
				     ATTR_MTIME_SET | ATTR_TIMES_SET;

	if (attr->ia_valid & kill)
		attr->ia_valid &= ~ATTR_MODE;
	if (S_ISDIR(lower->i_mode) ||
	    !(attr->ia_valid & (ATTR_SIZE | ATTR_UID | ATTR_GID | ATTR_KILL_PRIV | kill)))
		return;
	attr->ia_valid = (attr->ia_valid & ~kill) | ATTR_KILL_PRIV;
	if (!(attr->ia_valid & ATTR_SIZE)) {
		attr->ia_valid |= ATTR_KILL_SUID | setattr_should_drop_sgid(idmap, lower);
		return;
	}
	attr->ia_valid |= setattr_should_drop_suidgid(idmap, lower);
	if (lower->i_mode & hidden & S_ISUID)
		attr->ia_valid |= ATTR_KILL_SUID;
	if (lower->i_mode & hidden & S_ISGID)
		attr->ia_valid |= ATTR_KILL_SGID;
	if (!(attr->ia_valid & checked))
		attr->ia_valid |= ATTR_FORCE;
}

/* A chmod leaves hidden set-id bits as they are, and cannot set them. */
static int keep_hidden(struct iattr *attr, const struct inode *lower, umode_t hidden)
{
	if (!hidden || !(attr->ia_valid & ATTR_MODE))
		return 0;
	if (attr->ia_mode & hidden)
		return -EPERM;
	attr->ia_mode |= lower->i_mode & hidden;
	return 0;
}

/*
 * Does a change below, to which it adapts @attr; the caller has write access to the lower mount.
 * cred: NULL, or who does what a filter has changed.
 */
static int change_lower(struct dentry *dentry, struct iattr *attr, const struct cred *cred)
{
	struct mnt_idmap *lower_idmap = pst_idmap(dentry->d_sb);
	struct dentry *l = pst_lower(dentry);
	umode_t hidden = pst_i(d_inode(dentry))->hidden;
	bool resize = attr->ia_valid & ATTR_SIZE;
	const struct cred *old;
	int err = 0;

	/* The second tree has truncated the file when it was opened. */
	if (!pst_name_is_served(dentry))
		attr->ia_valid &= ~ATTR_OPEN;
	if (attr->ia_valid & ATTR_FILE) {
		if (attr->ia_file->f_op == &pst_file_ops && attr->ia_file->private_data)
			attr->ia_file = attr->ia_file->private_data;
		else
			attr->ia_valid &= ~ATTR_FILE;
	}
	if (resize) {
		err = get_write_access(d_inode(l));
		if (err)
			return err;
		/* Through a file, the lower open broke the leases. */
		if (!(attr->ia_valid & ATTR_FILE))
			err = break_lease(d_inode(l), O_WRONLY);
	}
	if (!err) {
		inode_lock(d_inode(l));
		/* The VFS asks the copy of the flag, which an open file does not refresh. */
		if (resize && IS_APPEND(d_inode(l)))
			err = -EPERM;
		/* As the caller, by whom it depends which bits go. */
		adapt_change(attr, lower_idmap, d_inode(l), hidden);
		if (!err)
			err = keep_hidden(attr, d_inode(l), hidden);
		old = pst_act_as(cred);
		if (!err)
			err = notify_change(lower_idmap, l, attr, NULL);
		pst_act_again(old);
		inode_unlock(d_inode(l));
	}
	if (resize)
		put_write_access(d_inode(l));
	return err;
}

/* The same with a copy of the change. */
int pst_change(struct dentry *dentry, struct iattr attr, const struct cred *cred)
{
	return change_lower(dentry, &attr, cred);
}

/*
 * Checks what the lower file system would check, but by the shown attributes. It may take S_ISGID
 * out of the change.
 */
int pst_may_change(struct dentry *dentry, struct iattr *attr)
{
	struct inode *inode = d_inode(dentry);
	const struct iattr came = *attr;
	unsigned int begin;
	int err;

	do {
		*attr = came;
		/* This would remove the capabilities of the file. */
		attr->ia_valid &= ~ATTR_KILL_PRIV;
		err = pst_decide_begin(inode, 0, &begin) ?:
			      pst_may_touch(inode, attr) ?:
			      setattr_prepare(&nop_mnt_idmap, dentry, attr);
	} while (pst_decided_torn(inode, begin));
	attr->ia_valid |= came.ia_valid & ATTR_KILL_PRIV;
	return err;
}

/* Does a change that no program has changed, and adapts @attr. */
int pst_change_as_shown(struct dentry *dentry, struct iattr *attr)
{
	struct cred *cred;
	int err;

	if (likely(!pst_i(d_inode(dentry))->other))
		return change_lower(dentry, attr, NULL);
	cred = pst_shown_cred(d_inode(dentry));
	if (!cred)
		return -ENOMEM;
	err = change_lower(dentry, attr, cred);
	put_cred(cred);
	return err;
}

/*
 * Begins a change of a lower file. caller: what pst_act_begin() returned, also an error. Returns 0,
 * and pst_change_end() has to follow; or an error.
 */
int pst_want_write(struct dentry *dentry, const struct cred *caller)
{
	int err = PTR_ERR_OR_ZERO(caller);

	if (err)
		return err;
	err = mnt_want_write(pst_mnt(dentry));
	if (err)
		pst_act_end(caller);
	return err;
}

/* The same for a change that only the owner of the file may make. Sets *ret_caller. */
int pst_change_begin(struct dentry *dentry, const struct cred **ret_caller)
{
	int err = pst_owns(d_inode(dentry), NULL);

	*ret_caller = err ? ERR_PTR(err) : pst_act_begin(d_inode(dentry));
	return pst_want_write(dentry, *ret_caller);
}

void pst_change_end(struct dentry *dentry, const struct cred *caller)
{
	mnt_drop_write(pst_mnt(dentry));
	pst_act_end(caller);
}

int pst_setattr(struct mnt_idmap *idmap, struct dentry *dentry, struct iattr *from)
{
	struct inode *inode = d_inode(dentry);
	struct vfsmount *mnt = pst_mnt(dentry);
	int err = mnt_want_write(mnt);
	struct pst_op op __uninitialized;

	if (!err) {
		/* With O_TRUNC, the program for OPEN has seen it. */
		if (!(from->ia_valid & ATTR_OPEN) && pst_asks(&op, inode, FUSE_SETATTR)) {
			err = pst_filter_setattr(&op, dentry, *from);
		} else {
			if (pst_shows(inode))
				err = pst_may_change(dentry, from);
			if (!err)
				err = pst_change_as_shown(dentry, from);
		}
		mnt_drop_write(mnt);
	}
	pst_copy_attr(inode);
	return err;
}

const char *pst_get_link_lower(struct dentry *dentry, struct delayed_call *done)
{
	struct path lower = pst_lower_path(dentry);
	const char *text = vfs_get_link(lower.dentry, done);

	if (!IS_ERR(text) && !sb_rdonly(dentry->d_sb))
		touch_atime(&lower);
	return text;
}

const char *pst_get_link(struct dentry *dentry, struct inode *inode, struct delayed_call *done)
{
	struct pst_op op __uninitialized;

	if (!dentry)
		return ERR_PTR(-ECHILD);
	if (pst_asks(&op, inode, FUSE_READLINK))
		return pst_filter_get_link(&op, dentry, done);
	return pst_get_link_lower(dentry, done);
}

int pst_fiemap(struct inode *inode, struct fiemap_extent_info *info, u64 start, u64 len)
{
	struct inode *l = pst_lower_inode(inode);

	return l->i_op->fiemap ? l->i_op->fiemap(l, info, start, len) : -EOPNOTSUPP;
}
