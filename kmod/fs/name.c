// SPDX-License-Identifier: GPL-2.0-only
/*
 * Changes of names: create, mkdir, mknod, symlink, link, unlink, rmdir, rename.
 *
 * The VFS holds the locks of the directories of the view. This file locks the lower directories,
 * which are those that the view's directories hold, and does the operation below as the caller, so
 * the lower VFS checks permission. If somebody changed the name below since it was looked up, the
 * lower dentry is not in its place any more; then the name is looked up again under the lower lock,
 * and the operation is done on what is there now, as it would be for a task that works below. An
 * ESTALE instead would make the VFS walk the whole path again, and fail the second time.
 */
#include "filters/op.h"
#include "penstock.h"

#define MAX_TRIES 30 /* while others make and remove the name */

/*
 * Checks if the lower dentry still has the name of the view's dentry. The kernel's functions that
 * lock a lower directory for a dentry check its directory only: without this an unlink or a rename
 * would do away with a file that has just been renamed below, under its new name. The caller has
 * locked both directories.
 */
static bool has_name(const struct dentry *dentry, const struct dentry *lower)
{
	return d_same_name(lower, lower->d_parent, &dentry->d_name);
}

/* Returns the lower directory in which an operation on one name is done, without a reference. */
static struct dentry *lower_dir(const struct pst_name_op *op)
{
	return op->served ? pst_second_dir(op->dentry->d_parent) : pst_lower_dir(op->dentry);
}

/*
 * Locks the lower directory of a name that is to be created or removed. Returns the lower dentry,
 * negative if @creating and positive if not, for c_end(); or an error.
 */
static struct dentry *start(const struct pst_name_op *op, bool creating)
{
	struct dentry *dentry = op->dentry;
	struct dentry *dir = lower_dir(op), *l = pst_lower(dentry);

	if (!creating && op->second[0])
		l = op->second[0];
	if (!l && op->fixed_names)
		return ERR_PTR(creating ? -EPERM : -ENOENT);
	if (!l)
		l = ERR_PTR(-EINVAL);
	else
		l = creating ? c_start_creating(dir, l) : c_start_removing(dir, l);
	if (!IS_ERR(l) && !has_name(dentry, l)) {
		c_end(dir, l);
		l = ERR_PTR(-EINVAL);
	}
	if (l != ERR_PTR(-EINVAL))
		return l;
	l = c_start_lookup(pst_idmap(dentry->d_sb), dir, dentry->d_name);
	if (IS_ERR(l))
		return l;
	if (d_is_positive(l) == creating) {
		c_end(dir, l);
		return ERR_PTR(creating ? -EEXIST : -ENOENT);
	}
	if (creating)
		pst_replace_lower(dentry, dget(l));
	return l;
}

/*
 * Makes the dentry of the view stand for the lower file that has just got the name. Returns its
 * inode; or NULL if the name has to be looked up later, because the lower file system gave the new
 * file another dentry, or because a linked file is served now.
 */
static struct inode *made(const struct pst_name_op *op, struct dentry *lower)
{
	if (lower != pst_lower(op->dentry))
		pst_replace_lower(op->dentry, dget(lower));
	if (d_is_negative(lower) || op->second[0])
		return NULL;
	if (!op->from || d_inode(lower) != pst_lower_inode(op->inode))
		return pst_iget_for(op->dentry, lower);
	ihold(op->inode);
	return op->inode;
}

/*
 * Ends an operation that has made a name with the result err. The dentry gets the inode, whose
 * reference this takes; without one, or after an error, when the file may exist below all the
 * same, the name is looked up when it is needed.
 */
static int end_making(struct pst_name_op *op, int err, struct inode *inode)
{
	bool is_made = !err;

	if (IS_ERR(inode)) {
		err = PTR_ERR(inode);
		inode = NULL;
	}
	err = pst_name_end(op, err, inode);
	if (!err && inode) {
		d_instantiate(op->dentry, inode);
		pst_settle(op->dentry, op->began);
		return 0;
	}
	iput(inode);
	if (is_made)
		d_drop(op->dentry);
	return err;
}

static int make_lower(const struct pst_name_op *op, struct dentry *l)
{
	struct dentry *ldir = pst_lower_dir(op->dentry);
	struct mnt_idmap *idmap = pst_idmap(op->dentry->d_sb);

	if (op->from)
		return vfs_link(op->second[0] ?: pst_lower(op->from), idmap, d_inode(ldir), l,
				NULL);
	if (S_ISREG(op->mode))
		return c_vfs_create(idmap, ldir, l, op->mode);
	if (S_ISLNK(op->mode))
		return c_vfs_symlink(idmap, ldir, l, op->text);
	return c_vfs_mknod(idmap, ldir, l, op->mode, op->dev);
}

/*
 * Adds the permissions that filters give to a new file and that the umask of the caller has taken:
 * the umask is no argument of the lower file system. The caller may write to its mount, and may
 * have the lock of its directory.
 */
int pst_add_permissions(const struct pst_name_op *op, struct dentry *lower)
{
	struct iattr attr = { .ia_valid = ATTR_MODE };
	struct inode *inode = d_inode(lower);
	const struct cred *caller;
	struct cred *cred;
	int err;

	if (likely(!op->adds) || !inode)
		return 0;
	/* The caller would lose S_ISGID of a group that it is not in. */
	cred = pst_mounter_cred(op->dentry->d_sb, current_fsuid(), current_fsgid());
	if (!cred)
		return -ENOMEM;
	caller = pst_act_as(cred);
	inode_lock(inode);
	attr.ia_mode = inode->i_mode | op->adds;
	err = notify_change(&nop_mnt_idmap, lower, &attr, NULL);
	inode_unlock(inode);
	pst_act_again(caller);
	put_cred(cred);
	/* A lower file system without permissions ignores the mode of a new file, too. */
	return err == -EPERM ? 0 : err;
}

/* The file stays open, see pst_serve_create(). */
static int create_served(struct pst_name_op *op)
{
	struct file *l = pst_serve_create(op);
	int err = PTR_ERR_OR_ZERO(l);

	if (!err && op->adds)
		err = mnt_want_write_file(l);
	if (!err && op->adds) {
		err = pst_add_permissions(op, l->f_path.dentry);
		mnt_drop_write_file(l);
	}
	err = end_making(op, err, err ? NULL : made(op, l->f_path.dentry));
	if (!err)
		op->file = l;
	else if (!IS_ERR(l))
		fput(l);
	pst_refresh(d_inode(op->dentry->d_parent));
	return err;
}

static int make(struct pst_name_op *op)
{
	struct dentry *dentry = op->dentry, *ldir, *l;
	const struct cred *caller;
	int err = pst_name_begin(op);

	if (err)
		return err;
	if (op->served && op->opcode == FUSE_CREATE)
		return create_served(op);
	err = mnt_want_write(pst_mnt(dentry));
	if (err)
		return pst_name_end(op, err, NULL);
	ldir = pst_lower_dir(dentry);
	caller = pst_act_as(op->cred);
	l = start(op, true);
	if (!IS_ERR(l) && S_ISDIR(op->mode))
		l = c_mkdir(pst_idmap(dentry->d_sb), ldir, l, op->mode & ~S_IFMT);
	err = PTR_ERR_OR_ZERO(l);
	if (!err && !S_ISDIR(op->mode))
		err = make_lower(op, l);
	pst_act_again(caller);
	if (!err)
		err = pst_add_permissions(op, l);
	if (!err && op->second[0])
		pst_look_again(op->from);
	err = end_making(op, err, err ? NULL : made(op, l));
	if (!IS_ERR(l)) {
		c_end(ldir, l);
		if (op->from)
			pst_refresh(op->inode);
		pst_refresh(d_inode(dentry->d_parent));
	}
	mnt_drop_write(pst_mnt(dentry));
	return err;
}

static c_mkdir_type pst_mkdir(struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry,
			      umode_t mode)
{
	struct pst_name_op op = { .opcode = FUSE_MKDIR,
				  .dentry = dentry,
				  .mode = (mode & ~S_IFMT) | S_IFDIR };

	return c_mkdir_result(make(&op));
}

static int pst_mknod(struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry,
		     umode_t mode, dev_t dev)
{
	struct pst_name_op op = {
		.opcode = FUSE_MKNOD,
		.dentry = dentry,
		.mode = mode,
		.dev = dev,
	};

	return make(&op);
}

static int pst_create(struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry,
		      umode_t mode, bool excl)
{
	return pst_mknod(idmap, dir, dentry, (mode & ~S_IFMT) | S_IFREG, 0);
}

static int pst_symlink(struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry,
		       const char *to)
{
	struct pst_name_op op = {
		.opcode = FUSE_SYMLINK, .dentry = dentry, .mode = S_IFLNK | 0777, .text = to
	};

	return make(&op);
}

/*
 * Looks a name up and creates it where it is missing. This is here because of open(O_CREAT)
 * without O_EXCL: if others create the name below meanwhile, their file has to be opened, with
 * its permission checked. ->create cannot say that: the VFS takes any file that it leaves for a
 * new one. A lower file system that denies to have the file which it says exists ends that.
 */
static int pst_atomic_open(struct inode *dir, struct dentry *dentry, struct file *file,
			   unsigned int flags, umode_t mode)
{
	struct dentry *instead = NULL; /* a directory has its dentry already */
	int err, tries = 0;

	if (d_in_lookup(dentry))
		instead = pst_lookup(dir, dentry, flags & O_CREAT ? LOOKUP_CREATE : 0);
	while (!instead && d_really_is_negative(dentry) && flags & O_CREAT) {
		struct pst_name_op op = { .opcode = FUSE_CREATE,
					  .dentry = dentry,
					  .mode = (mode & ~S_IFMT) | S_IFREG,
					  .flags = flags };

		err = make(&op);
		flags |= op.flags & O_EXCL;
		/* A filter hides the file that exists: a lookup finds nothing each time. */
		if (err == -EEXIST && !(flags & O_EXCL) && !pst_lower(dentry))
			return -ESTALE;
		if (err && (err != -EEXIST || flags & O_EXCL || ++tries == MAX_TRIES))
			return err;
		if (!err && d_really_is_positive(dentry)) {
			file->f_mode |= FMODE_CREATED;
			if (op.file)
				return pst_finish_open(file, dentry, op.file);
			break;
		}
		/* The directory is locked for writing, so nobody else attaches this dentry. */
		d_drop(dentry);
		instead = pst_lookup(dir, dentry, 0);
	}
	return IS_ERR(instead) ? PTR_ERR(instead) : finish_no_open(file, instead);
}

static int pst_link(struct dentry *old, struct inode *dir, struct dentry *dentry)
{
	struct pst_name_op op = {
		.opcode = FUSE_LINK, .dentry = dentry, .inode = d_inode(old), .from = old
	};

	return make(&op);
}

/*
 * Called when the name of a dentry was removed below; removed: the lower inode that went. If the
 * dentry stands for another one, which was moved below, the VFS marks the directory of the view as
 * dead all the same; the lower one lives, and has to get another inode. If not, absent names of the
 * directory in the view hold those below, which would keep the removed directory in memory and on
 * the disk until memory is reclaimed.
 */
static void forget_removed(struct dentry *dentry, const struct inode *removed)
{
	struct inode *inode = d_inode(dentry);

	if (!inode || !S_ISDIR(inode->i_mode))
		return;
	if (pst_lower_inode(inode) != removed) {
		remove_inode_hash(inode);
	} else if (!hlist_empty(&dentry->d_children)) {
		shrink_dcache_parent(dentry);
		shrink_dcache_parent(pst_lower(dentry));
	}
}

/*
 * Unhashes a dentry to which only the caller has references, @n of them. Then no path leads to it,
 * because RCU walk sees that the sequence count has changed; its inode still does, see
 * pst_get_inode_acl(). Returns false if others have references, or if a file handle could lead to
 * it.
 */
static bool unhash_alone(struct dentry *dentry, int n)
{
	bool alone;

	spin_lock(&dentry->d_lock);
	alone = dentry->d_lockref.count == n && !READ_ONCE(pst_sb(dentry->d_sb)->handles);
	if (alone)
		__d_drop(dentry);
	spin_unlock(&dentry->d_lock);
	return alone;
}

static int take_away(struct inode *dir, struct dentry *dentry, u32 opcode)
{
	struct pst_name_op op = { .opcode = opcode, .dentry = dentry };
	struct dentry *ldir, *l;
	struct mnt_idmap *idmap = pst_idmap(dir->i_sb);
	const struct cred *caller;
	struct inode *victim = NULL;
	struct vfsmount *mnt;
	bool two_refs;
	int err = pst_name_begin(&op), done;

	if (err < 0)
		return err;
	if (err == PST_ANSWERED)
		goto out;
	ldir = lower_dir(&op);
	mnt = op.served ? pst_sb(dir->i_sb)->serve.mnt : pst_mnt(dentry);
	err = mnt_want_write(mnt);
	if (err)
		return pst_name_end(&op, err, NULL);
	caller = pst_act_as(op.cred);
	l = start(&op, false);
	done = PTR_ERR_OR_ZERO(l);
	if (!done) {
		victim = d_inode(l);
		/*
		 * The kernel keeps the dentry of a removed name as a negative one if it has one
		 * reference. The dentry of the view has a reference for as long as the VFS locks
		 * its directory. A task that opens the file now must not meet a negative lower
		 * dentry, so this is done only if nobody else has the dentry of the view;
		 * vfs_rmdir() has two references to it.
		 */
		two_refs = l == pst_lower(dentry) &&
			   unhash_alone(dentry, opcode == FUSE_RMDIR ? 2 : 1);
		if (two_refs)
			dput(l);
		if (opcode == FUSE_RMDIR)
			done = c_vfs_rmdir(idmap, ldir, l);
		else
			done = vfs_unlink(idmap, d_inode(ldir), l, NULL);
		if (two_refs)
			dget(l);
		if (!done)
			forget_removed(dentry, victim);
		/* NFS renames a file that is open instead of removing it. */
		if (!done && (l != pst_lower(dentry) || d_unhashed(l) || d_is_positive(l)))
			d_drop(dentry);
		else if (two_refs)
			d_rehash(dentry);
		c_end(ldir, l);
		pst_refresh(d_inode(dentry));
		pst_refresh(dir);
	}
	pst_act_again(caller);
	mnt_drop_write(mnt);
	err = pst_name_end(&op, done, NULL);
	if (err || !done)
		return err;
out:
	/* A filter says so, but the file is still there, and the VFS takes it for removed. */
	forget_removed(dentry, NULL);
	d_drop(dentry);
	return 0;
}

static int pst_unlink(struct inode *dir, struct dentry *dentry)
{
	return take_away(dir, dentry, FUSE_UNLINK);
}

static int pst_rmdir(struct inode *dir, struct dentry *dentry)
{
	return take_away(dir, dentry, FUSE_RMDIR);
}

/* Locks the lower names, and renames them. *ret_gone: the lower file that was replaced. */
static int rename_lower(struct pst_name_op *op, struct inode **ret_gone)
{
	struct dentry *old = op->dentry, *new = op->dentry2;
	struct dentry *l_old = op->second[0] ?: pst_lower(old);
	struct dentry *l_new = op->second[1] ?: pst_lower(new);
	struct c_renaming r = {};
	int err = -EINVAL;

	if (op->fixed_names && !(l_old && l_new))
		return l_old ? -EPERM : -ENOENT;
	r.old_dir = op->served ? pst_second_dir(old->d_parent) : pst_lower(old->d_parent);
	r.new_dir = op->served ? pst_second_dir(new->d_parent) : pst_lower(new->d_parent);
	c_init_renaming(&r, pst_idmap(old->d_sb), op->flags);
	/* A name that others have changed can have its lower dentry in the other tree. */
	if (l_old && l_new && l_old->d_sb == r.old_dir->d_sb)
		err = c_start_renaming(&r, l_old, l_new);
	if (!err && !(has_name(old, r.rd.old_dentry) && has_name(new, r.rd.new_dentry))) {
		c_end_renaming(&r);
		err = -EINVAL;
	}
	if (err == -EINVAL) {
		err = c_start_renaming_names(&r, old->d_name, new->d_name);
		if (err)
			return err;
		/* These are other files than the VFS found: a directory may not move anywhere. */
		err = pst_filter_rename_again(op, &r.rd);
	} else if (err) {
		return err;
	}
	/* A filter may have set the flag. */
	if (!err && op->flags & RENAME_NOREPLACE && d_is_positive(r.rd.new_dentry))
		err = -EEXIST;
	if (!err)
		err = vfs_rename(&r.rd);
	*ret_gone = d_inode(r.rd.new_dentry);
	c_end_renaming(&r);
	return err;
}

static int pst_rename(struct mnt_idmap *idmap, struct inode *old_dir, struct dentry *old,
		      struct inode *new_dir, struct dentry *new, unsigned int flags)
{
	struct pst_name_op op = { .opcode = FUSE_RENAME2,
				  .dentry = old,
				  .dentry2 = new,
				  .inode = new_dir,
				  .flags = flags };
	const struct cred *caller;
	struct inode *gone = NULL;
	struct vfsmount *mnt;
	int err, done;

	err = pst_name_begin(&op);
	if (err < 0)
		return err;
	if (!err) {
		mnt = op.served ? pst_sb(old->d_sb)->serve.mnt : pst_mnt(old);
		done = mnt_want_write(mnt);
		if (!done) {
			caller = pst_act_as(op.cred);
			done = rename_lower(&op, &gone);
			pst_act_again(caller);
			mnt_drop_write(mnt);
		}
		if (!done && op.served && !pst_name_is_served(old))
			pst_look_again(old);
		if (!done && op.served && d_really_is_positive(new) && !pst_name_is_served(new))
			pst_look_again(new);
		err = pst_name_end(&op, done, NULL);
	}
	/* Also where a filter says that the file was renamed, and it was not. */
	if (!err && !(flags & RENAME_EXCHANGE))
		forget_removed(new, gone);
	pst_refresh(old_dir);
	pst_refresh(new_dir);
	pst_refresh(d_inode(old));
	if (d_really_is_positive(new))
		pst_refresh(d_inode(new));
	return min(err, 0);
}

const struct inode_operations pst_dir_iops = {
	.lookup = pst_lookup,
	.atomic_open = pst_atomic_open,
	.create = pst_create,
	.mkdir = pst_mkdir,
	.mknod = pst_mknod,
	.symlink = pst_symlink,
	.link = pst_link,
	.unlink = pst_unlink,
	.rmdir = pst_rmdir,
	.rename = pst_rename,
	.tmpfile = pst_tmpfile,
	PST_IOPS,
	PST_ACL_IOPS,
	.fileattr_get = pst_fileattr_get,
	.fileattr_set = pst_fileattr_set,
};
