/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between the kernels that the module is built for, Linux 6.12 to 7.2.
 *
 * No other file has an #if. Version numbers do not decide, because stable series and distributions
 * carry changes of later kernels: probe/NAME.c compiles on kernels with the feature NAME, and the
 * build writes HAVE_NAME to config.h for each probe that compiled. Names with c_ are those of
 * this file.
 */
#ifndef PENSTOCK_COMPAT_H
#define PENSTOCK_COMPAT_H

#include <linux/backing-file.h>
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/exportfs.h>
#include <linux/fiemap.h>
#include <linux/file.h>
#include <linux/fileattr.h>
#include <linux/filelock.h>
#include <linux/fs.h>
#include <linux/fs_context.h>
#include <linux/fs_parser.h>
#include <linux/llist.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <linux/sched/mm.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/splice.h>
#include <linux/statfs.h>
#include <linux/workqueue.h>
#include <linux/xattr.h>

#include "config.h"

#ifdef HAVE_FILE_KATTR
#define c_fileattr file_kattr
#else
#define c_fileattr fileattr
#endif

#ifdef HAVE_INODE_STATE_READ
#define c_inode_is_new(INODE) (inode_state_read_once(INODE) & I_NEW)
#else
#define c_inode_is_new(INODE) ((INODE)->i_state & I_NEW)
#endif

#ifdef HAVE_DEFAULT_D_OP
#define c_set_d_op(SB, OPS) set_default_d_op(SB, OPS)
#else
#define c_set_d_op(SB, OPS) ((SB)->s_d_op = (OPS))
#endif

/* Kernels with simple_nosetlease() give leases where ->setlease is NULL; later ones do not. */
#ifdef HAVE_SIMPLE_NOSETLEASE
#define c_nosetlease simple_nosetlease
#else
#define c_nosetlease NULL
#endif

/*
 * Checks if the current task holds the lock of an inode for writing. Kernels that cannot tell lack
 * C_HOLDS_INODE, and views there show no set-ID bits.
 */
#ifdef HAVE_RWSEM_OWNER
#define C_HOLDS_INODE        true
#define c_holds_inode(INODE) (atomic_long_read(&(INODE)->i_rwsem.owner) == (long)current)
#else
#define C_HOLDS_INODE        false
#define c_holds_inode(INODE) false
#endif

/* ACLs belong to the lower inode: the VFS must not cache them in the inode of the view. */
static inline void c_dont_cache_acl(struct inode *inode)
{
#ifdef CONFIG_FS_POSIX_ACL
	inode->i_acl = ACL_DONT_CACHE;
	inode->i_default_acl = ACL_DONT_CACHE;
#endif
}

/* Returns the value of an ACL, for kfree(), with its size; NULL: no memory. */
static inline void *c_acl_to_xattr(const struct posix_acl *acl, size_t *ret_size)
{
#ifdef HAVE_ACL_TO_XATTR_ALLOCATES
	return posix_acl_to_xattr(&init_user_ns, acl, ret_size, GFP_KERNEL_ACCOUNT);
#else
	void *value;

	*ret_size = posix_acl_xattr_size(acl->a_count);
	value = kmalloc(*ret_size, GFP_KERNEL_ACCOUNT);
	if (value)
		posix_acl_to_xattr(&init_user_ns, acl, value, *ret_size);
	return value;
#endif
}

static inline unsigned long c_get_unmapped_area(struct file *file, unsigned long addr,
						unsigned long len, unsigned long pgoff,
						unsigned long flags)
{
#ifdef HAVE_MM_GET_UNMAPPED_AREA_FILE
	return mm_get_unmapped_area(file, addr, len, pgoff, flags);
#else
	return mm_get_unmapped_area(current->mm, file, addr, len, pgoff, flags);
#endif
}

/* Called with i_lock. */
#ifdef for_each_alias
#define c_for_each_alias(DENTRY, INODE) for_each_alias(DENTRY, INODE)
#else
#define c_for_each_alias(DENTRY, INODE)                                                            \
	hlist_for_each_entry(DENTRY, &(INODE)->i_dentry, d_u.d_alias)
#endif

/* ---- names ------------------------------------------------------------------------------- */

#ifdef HAVE_LOOKUP_ONE_QSTR
#define c_lookup_args(NAME, DIR) (NAME), (DIR)
#else
#define c_lookup_args(NAME, DIR) (NAME)->name, (DIR), (NAME)->len
#endif

/*
 * Looks a name up, as the caller. Returns a dentry with a reference, also a negative one. Names are
 * passed as copies, because the kernel writes the hash of the lower directory into them.
 */
static inline struct dentry *c_lookup(struct mnt_idmap *idmap, struct dentry *dir, struct qstr name)
{
	return lookup_one_unlocked(idmap, c_lookup_args(&name, dir));
}

/*
 * c_start_creating(), c_start_removing(): lock the directory @dir of the dentry @child for a
 * change of that name. Return @child with a reference, -EINVAL where @child is not in @dir any
 * more, -EEXIST or -ENOENT. c_start_lookup() looks the name up under that lock; the dentry that
 * it returns can be positive or negative. c_end() unlocks and drops the reference.
 */
#ifdef HAVE_START_CREATING_DENTRY
#define c_start_creating(DIR, CHILD) start_creating_dentry(DIR, CHILD)
#define c_start_removing(DIR, CHILD) start_removing_dentry(DIR, CHILD)
#define c_end(DIR, CHILD)            end_creating(CHILD)

static inline struct dentry *c_start_lookup(struct mnt_idmap *idmap, struct dentry *dir,
					    struct qstr name)
{
	return start_creating(idmap, dir, &name);
}
#else
static inline void c_end(struct dentry *dir, struct dentry *child)
{
	inode_unlock(d_inode(dir));
	dput(child);
}

static inline struct dentry *c_start(struct dentry *dir, struct dentry *child, bool positive)
{
	int err = 0;

	inode_lock_nested(d_inode(dir), I_MUTEX_PARENT);
	if (IS_DEADDIR(d_inode(dir)) || child->d_parent != dir || d_unhashed(child))
		err = -EINVAL;
	else if (d_is_positive(child) != positive)
		err = positive ? -ENOENT : -EEXIST;
	if (!err)
		return dget(child);
	inode_unlock(d_inode(dir));
	return ERR_PTR(err);
}
#define c_start_creating(DIR, CHILD) c_start(DIR, CHILD, false)
#define c_start_removing(DIR, CHILD) c_start(DIR, CHILD, true)

static inline struct dentry *c_start_lookup(struct mnt_idmap *idmap, struct dentry *dir,
					    struct qstr name)
{
	struct dentry *child;

	inode_lock_nested(d_inode(dir), I_MUTEX_PARENT);
	child = lookup_one(idmap, c_lookup_args(&name, dir));
	if (IS_ERR(child))
		inode_unlock(d_inode(dir));
	return child;
}
#endif

#ifdef HAVE_VFS_CREATE_DENTRY
#define c_vfs_create(IDMAP, DIR, D, MODE) vfs_create(IDMAP, D, MODE, NULL)
#else
#define c_vfs_create(IDMAP, DIR, D, MODE) vfs_create(IDMAP, d_inode(DIR), D, MODE, true)
#endif

#ifdef HAVE_VFS_MKNOD_DELEGATED
#define c_vfs_mknod(IDMAP, DIR, D, MODE, DEV) vfs_mknod(IDMAP, d_inode(DIR), D, MODE, DEV, NULL)
#define c_vfs_symlink(IDMAP, DIR, D, TO)      vfs_symlink(IDMAP, d_inode(DIR), D, TO, NULL)
#define c_vfs_rmdir(IDMAP, DIR, D)            vfs_rmdir(IDMAP, d_inode(DIR), D, NULL)
#define c_vfs_mkdir_args(IDMAP, DIR, D, MODE) IDMAP, d_inode(DIR), D, MODE, NULL
#else
#define c_vfs_mknod(IDMAP, DIR, D, MODE, DEV) vfs_mknod(IDMAP, d_inode(DIR), D, MODE, DEV)
#define c_vfs_symlink(IDMAP, DIR, D, TO)      vfs_symlink(IDMAP, d_inode(DIR), D, TO)
#define c_vfs_rmdir(IDMAP, DIR, D)            vfs_rmdir(IDMAP, d_inode(DIR), D)
#define c_vfs_mkdir_args(IDMAP, DIR, D, MODE) IDMAP, d_inode(DIR), D, MODE
#endif

/*
 * Makes a directory of the dentry @child, which c_start_creating() returned. Returns the dentry of
 * the new directory, for c_end(); on failure an error, and c_end() has been done.
 */
static inline struct dentry *c_mkdir(struct mnt_idmap *idmap, struct dentry *dir,
				     struct dentry *child, umode_t mode)
{
#if defined(HAVE_MKDIR_DENTRY) && defined(HAVE_START_CREATING_DENTRY)
	return vfs_mkdir(c_vfs_mkdir_args(idmap, dir, child, mode));
#elif defined(HAVE_MKDIR_DENTRY)
	struct dentry *made = vfs_mkdir(c_vfs_mkdir_args(idmap, dir, child, mode));

	if (IS_ERR(made)) /* the reference to child has been dropped */
		inode_unlock(d_inode(dir));
	return made;
#else
	int err = vfs_mkdir(c_vfs_mkdir_args(idmap, dir, child, mode));

	if (!err)
		return child;
	c_end(dir, child);
	return ERR_PTR(err);
#endif
}

#ifdef HAVE_MKDIR_DENTRY
#define c_mkdir_type        struct dentry *
#define c_mkdir_result(ERR) ERR_PTR(ERR)
#else
#define c_mkdir_type        int
#define c_mkdir_result(ERR) (ERR)
#endif

/*
 * A rename of the name @old in @old_dir to the name @new in @new_dir. c_start_renaming() locks both
 * directories for the two dentries, -EINVAL where one of them is elsewhere by now or is an ancestor
 * of the other; c_start_renaming_names() looks the names up under the locks. c_end_renaming() ends
 * what either of them began.
 */
struct c_renaming {
	struct renamedata rd;
	struct dentry *old_dir, *new_dir;
};

#ifdef HAVE_START_CREATING_DENTRY
static inline void c_init_renaming(struct c_renaming *r, struct mnt_idmap *idmap,
				   unsigned int flags)
{
	r->rd = (struct renamedata){ .mnt_idmap = idmap,
				     .old_parent = r->old_dir,
				     .new_parent = r->new_dir,
				     .flags = flags };
}

static inline int c_start_renaming(struct c_renaming *r, struct dentry *old, struct dentry *new)
{
	return start_renaming_two_dentries(&r->rd, old, new);
}

static inline int c_start_renaming_names(struct c_renaming *r, struct qstr old, struct qstr new)
{
	return start_renaming(&r->rd, 0, &old, &new);
}

static inline void c_end_renaming(struct c_renaming *r)
{
	end_renaming(&r->rd);
}
#else
static inline void c_init_renaming(struct c_renaming *r, struct mnt_idmap *idmap,
				   unsigned int flags)
{
	r->rd = (struct renamedata){ .old_mnt_idmap = idmap,
				     .new_mnt_idmap = idmap,
				     .old_dir = d_inode(r->old_dir),
				     .new_dir = d_inode(r->new_dir),
				     .flags = flags };
}

static inline void c_end_renaming(struct c_renaming *r)
{
	unlock_rename(r->old_dir, r->new_dir);
	dput(r->rd.old_dentry);
	dput(r->rd.new_dentry);
}

/* Checks the dentries, with references, under the locks; on failure it ends the rename. */
static inline int c_check_renaming(struct c_renaming *r, struct dentry *trap)
{
	struct dentry *old = r->rd.old_dentry, *new = r->rd.new_dentry;
	int err = 0;

	if (d_is_negative(old) || (r->rd.flags & RENAME_EXCHANGE && d_is_negative(new)))
		err = -ENOENT;
	else if (r->rd.flags & RENAME_NOREPLACE && d_is_positive(new))
		err = -EEXIST;
	else if (old == trap)
		err = -EINVAL;
	else if (new == trap)
		err = r->rd.flags & RENAME_EXCHANGE ? -EINVAL : -ENOTEMPTY;
	if (err)
		c_end_renaming(r);
	return err;
}

static inline int c_start_renaming(struct c_renaming *r, struct dentry *old, struct dentry *new)
{
	struct dentry *trap = lock_rename(r->old_dir, r->new_dir);

	if (IS_ERR(trap))
		return PTR_ERR(trap);
	if (old->d_parent != r->old_dir || new->d_parent != r->new_dir || d_unhashed(old) ||
	    d_unhashed(new)) {
		unlock_rename(r->old_dir, r->new_dir);
		return -EINVAL;
	}
	r->rd.old_dentry = dget(old);
	r->rd.new_dentry = dget(new);
	return c_check_renaming(r, trap);
}

static inline int c_start_renaming_names(struct c_renaming *r, struct qstr old, struct qstr new)
{
	struct dentry *trap = lock_rename(r->old_dir, r->new_dir), *o, *n;

	if (IS_ERR(trap))
		return PTR_ERR(trap);
	o = lookup_one(r->rd.old_mnt_idmap, c_lookup_args(&old, r->old_dir));
	n = IS_ERR(o) ? o : lookup_one(r->rd.old_mnt_idmap, c_lookup_args(&new, r->new_dir));
	if (IS_ERR(n)) {
		unlock_rename(r->old_dir, r->new_dir);
		if (n != o)
			dput(o);
		return PTR_ERR(n);
	}
	r->rd.old_dentry = o;
	r->rd.new_dentry = n;
	return c_check_renaming(r, trap);
}
#endif

/* ---- cgroups ----------------------------------------------------------------------------- */

/* Returns the ID of the cgroup of version 2 that the task is in, 0 without cgroups. */
static inline u64 c_cgroup_of_current(void)
{
	u64 id = 0;
#ifdef CONFIG_CGROUPS
	rcu_read_lock();
	id = cgroup_id(task_dfl_cgroup(current));
	rcu_read_unlock();
#endif
	return id;
}

/* ---- d_revalidate ------------------------------------------------------------------------ */

#ifdef HAVE_REVALIDATE_NAME
#define c_revalidate_args                                                                          \
	struct inode *c_dir, const struct qstr *c_name, struct dentry *dentry, unsigned int flags
#else
#define c_revalidate_args struct dentry *dentry, unsigned int flags
#endif

/* Lets the lower file system check its dentry; never in RCU walk. The caller has a reference. */
static inline int c_lower_revalidate(struct dentry *lower, unsigned int flags)
{
#ifdef HAVE_REVALIDATE_NAME
	struct dentry *parent = dget_parent(lower);
	struct name_snapshot n;
	int ret;

	take_dentry_name_snapshot(&n, lower);
	ret = lower->d_op->d_revalidate(d_inode(parent), &n.name, lower, flags);
	release_dentry_name_snapshot(&n);
	dput(parent);
	return ret;
#else
	return lower->d_op->d_revalidate(lower, flags);
#endif
}

/* ---- data -------------------------------------------------------------------------------- */

/* pst_wrote() is called with the file of the view after each write, also an asynchronous one. */
void pst_wrote(struct file *file);

#ifdef HAVE_END_WRITE_KIOCB
static inline void c_end_write(struct kiocb *iocb, ssize_t n)
{
	pst_wrote(iocb->ki_filp);
}
#define c_backing_ctx(FILE)                                                                        \
	{                                                                                          \
		.cred = current_cred(), .end_write = c_end_write                                   \
	}
#else
static inline void c_end_write(struct file *file, loff_t pos, ssize_t n)
{
	pst_wrote(file);
}
#define c_backing_ctx(FILE)                                                                        \
	{                                                                                          \
		.cred = current_cred(), .user_file = (FILE), .end_write = c_end_write              \
	}
#endif

/* The first argument of backing_file_open() was the path of the file until 6.12.95. */
#ifdef HAVE_BACKING_OPEN_FILE
#define c_backing_user(FILE) (FILE)
#else
#define c_backing_user(FILE) (&(FILE)->f_path)
#endif

#endif
