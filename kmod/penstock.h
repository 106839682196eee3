/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Penstock's kernel engine: what the files of the module share.
 *
 * A view has one super block. Each dentry of the view holds the lower dentry of the same name in
 * d_fsdata, negative lower dentries too; NULL stands for a name that a filter hides. Each inode of
 * the view holds one lower inode and copies of the attributes that the VFS reads itself; the lower
 * inode is the authority for all attributes. A view can have a second tree, from which it serves
 * some names; their lower dentries and inodes are those of that tree, see serve.c.
 *
 * Locks are taken in this order: those of the view, which the VFS holds, then those of the lower
 * file system. The module itself has no lock.
 */
#ifndef PENSTOCK_H
#define PENSTOCK_H

#include "compat.h"

#include <penstock/fuse.h>

#include "filter/node.h"

struct pst_name_call;
struct pst_name_op;
struct pst_filters;
struct pst_chain;
struct chain;

/*
 * A view. All members are set when the view is mounted and never change, but those at the end and
 * those of the second tree, which can come and go with a change of filters.
 */
struct pst_sb {
	struct vfsmount *mnt; /* a private clone of the mount that LOWER is on */
	struct dentry *root;  /* LOWER; the root of the second tree if it serves all names */
	struct path serve;    /* the second tree; mnt is NULL if there is none; s_umount */
	const struct super_block *second; /* its super block, only to compare; NULL: none */
	dev_t second_dev;
	bool second_stays;      /* until the view is unmounted */
	atomic_long_t n_served; /* objects that keep the second tree: pst_count_served() */
	atomic_long_t n_twins;  /* inodes with a twin */
	char *lower_name;       /* the path of LOWER, for /proc/mounts */
	bool lower_locks;       /* locks=lower: file locks are taken on the lower file */
	bool hide_mounts;       /* xdev=hide, for /proc/mounts */
	bool idmapped;          /* the mount of LOWER maps IDs */
	bool nosuid;            /* the mount of LOWER ignores set-id bits and capabilities */
	bool adapts;            /* the view may show other attributes */
	struct pst_filters *filters;
	struct proc_dir_entry *folder;
	/* chain.c has these: */
	u64 asked;                         /* bits 1 << opcode: filters see the operation */
	u64 shows, shows_acls;             /* filters with programs after GETATTR, GETXATTR */
	u64 shows_by_caller;               /* those of shows that are by caller */
	u64 serves;                        /* filters that the second tree has, see serve.c */
	struct pst_chain __rcu *chain;     /* in force; NULL: there are no filters */
	struct pst_chain __rcu *by_caller; /* the same if it has filters by caller, else NULL */
	struct pst_chain __rcu *next;      /* of a change before it puts the chain in force */
	u32 change;                        /* number of changes; odd while one runs, see change.c */
	bool handles;                      /* file handles were used, see unhash_alone() */
	errseq_t wb_err; /* the writeback errors below that the view has reported */
	/* trace.c has these: */
	spinlock_t trace_lock;
	struct list_head readers;
	bool trace_ended;
};

/* The lower attributes that programs saw when they decided the shown ones, see shown.c. */
struct pst_seen {
	u64 filters; /* 0: none has decided */
	u32 change;  /* of filters, see change.c */
	struct timespec64 ctime;
	loff_t size;
	kuid_t uid;
	kgid_t gid;
	umode_t mode;
};

struct pst_inode {
	struct inode *lower;    /* a reference, from pst_iget() until the inode is evicted */
	bool set_id;            /* execve(2) may have seen set-ID bits: pst_set_owner() */
	bool other;             /* filters show another owner, group, mode: shown.c */
	umode_t hidden;         /* set-ID bits that are not shown */
	umode_t shown;          /* the mode that filters show; seen.filters is not 0 */
	struct dentry *orphan;  /* a lower dentry that the worker drops, see reclaim.c */
	struct llist_node late; /* in the worker's list */
	atomic_t n_late;        /* references to this inode that the worker drops */
	struct dentry *twin; /* a directory: its dentry in the second tree, or NULL; see serve.c */
	bool stale;          /* its names have to be looked up again: the file is served now */
	struct filter_node filter; /* the filters that hold for the file ... */
	struct pst_cells *cells;   /* ... and their cells, as far as they were used */
	u64 nodeid, parent;        /* for programs; parent: of the last lookup */
	u32 change;                /* the last one that gave the file its filters */
	struct pst_seen seen;

	/* A new inode of the view has zeros before this. */
	seqcount_spinlock_t seq; /* of adapted copies, other and seen; i_lock */
	struct inode vfs;
};

static inline struct pst_sb *pst_sb(const struct super_block *sb)
{
	return sb->s_fs_info;
}

static inline struct pst_inode *pst_i(const struct inode *inode)
{
	return container_of(inode, struct pst_inode, vfs);
}

static inline struct inode *pst_lower_inode(const struct inode *inode)
{
	return pst_i(inode)->lower;
}

static inline struct dentry *pst_lower(const struct dentry *dentry)
{
	return smp_load_acquire(&((struct dentry *)dentry)->d_fsdata);
}

static inline bool pst_has_second(const struct super_block *sb)
{
	return unlikely(smp_load_acquire(&pst_sb(sb)->second));
}

/* Checks if an object of this lower file system belongs to the second tree. */
static inline bool pst_is_second(const struct super_block *sb, const struct super_block *lower)
{
	return unlikely(lower == READ_ONCE(pst_sb(sb)->second));
}

/*
 * Counts inodes, dentries and operations of the view that have something of the second tree. It
 * ends only when there are none, see pst_serve_end_unused().
 */
static inline void pst_count_served(const struct super_block *sb, const struct super_block *lower,
				    int n)
{
	if (pst_is_second(sb, lower))
		atomic_long_fetch_add_release(n, &pst_sb(sb)->n_served);
}

static inline bool pst_is_served(const struct inode *inode)
{
	return pst_is_second(inode->i_sb, pst_lower_inode(inode)->i_sb);
}

/* Checks if the second tree has the lower dentry of a name, also of an absent one. */
static inline bool pst_name_is_served(const struct dentry *dentry)
{
	const struct dentry *l = pst_lower(dentry);

	return l && pst_is_second(dentry->d_sb, l->d_sb);
}

static inline struct vfsmount *pst_mnt(const struct dentry *dentry)
{
	const struct pst_sb *s = pst_sb(dentry->d_sb);

	return pst_name_is_served(dentry) ? s->serve.mnt : s->mnt;
}

/* Returns the dentry of a directory in the second tree, without a reference; NULL: no twin yet. */
static inline struct dentry *pst_second_dir(const struct dentry *dir)
{
	struct dentry *l = pst_lower(dir);

	return pst_is_second(dir->d_sb, l->d_sb) ? l : smp_load_acquire(&pst_i(d_inode(dir))->twin);
}

/*
 * Returns the lower directory that has the lower dentry of a name, without a reference. A served
 * name can lie in a directory of LOWER, which then has a twin.
 */
static inline struct dentry *pst_lower_dir(const struct dentry *dentry)
{
	return pst_name_is_served(dentry) ? pst_second_dir(dentry->d_parent) :
					    pst_lower(dentry->d_parent);
}

static inline struct mnt_idmap *pst_idmap(const struct super_block *sb)
{
	return mnt_idmap(pst_sb(sb)->mnt);
}

/* The lower path of a positive dentry, without references: the dentry holds both. */
static inline struct path pst_lower_path(const struct dentry *dentry)
{
	return (struct path){ .mnt = pst_mnt(dentry), .dentry = pst_lower(dentry) };
}

/* attr.c */
kuid_t pst_mapped_uid(const struct inode *inode);
kgid_t pst_mapped_gid(const struct inode *inode);

/* The owner and the group of the lower inode, as the mount of LOWER maps them. */
static inline kuid_t pst_lower_uid(const struct inode *inode)
{
	return likely(!pst_sb(inode->i_sb)->idmapped) ? pst_lower_inode(inode)->i_uid :
							pst_mapped_uid(inode);
}

static inline kgid_t pst_lower_gid(const struct inode *inode)
{
	return likely(!pst_sb(inode->i_sb)->idmapped) ? pst_lower_inode(inode)->i_gid :
							pst_mapped_gid(inode);
}

#define PST_SET_ID (S_ISUID | S_ISGID)

bool pst_lock_program(const struct inode *inode, umode_t mode);
void pst_unlock_program(const struct inode *inode, bool locked);
bool pst_set_owner(struct inode *inode, kuid_t uid, kgid_t gid, umode_t mode);
bool pst_adapted_differs(const struct inode *inode);
bool pst_copy_attr(struct inode *inode);
int pst_permission(struct mnt_idmap *idmap, struct inode *inode, int mask);
int pst_getattr_lower(const struct path *path, struct kstat *stat, u32 mask, unsigned int flags);
int pst_getattr(struct mnt_idmap *idmap, const struct path *path, struct kstat *stat, u32 mask,
		unsigned int flags);
int pst_want_write(struct dentry *dentry, const struct cred *caller);
int pst_change_begin(struct dentry *dentry, const struct cred **ret_caller);
void pst_change_end(struct dentry *dentry, const struct cred *caller);
int pst_change(struct dentry *dentry, struct iattr attr, const struct cred *cred);
int pst_may_change(struct dentry *dentry, struct iattr *attr);
int pst_change_as_shown(struct dentry *dentry, struct iattr *attr);
int pst_setattr(struct mnt_idmap *idmap, struct dentry *dentry, struct iattr *from);
const char *pst_get_link_lower(struct dentry *dentry, struct delayed_call *done);
const char *pst_get_link(struct dentry *dentry, struct inode *inode, struct delayed_call *done);
int pst_fiemap(struct inode *inode, struct fiemap_extent_info *info, u64 start, u64 len);

#define PST_COPIED_FLAGS (S_SYNC | S_IMMUTABLE | S_APPEND)

/* Compares the copies with the lower inode, without locks. Each path walk does, so it is inline. */
static inline bool pst_attr_differs(const struct inode *inode)
{
	const struct inode *l = pst_lower_inode(inode);

	if (inode->i_nlink != l->i_nlink ||
	    (inode->i_flags ^ (l->i_flags | S_NOSEC)) & (PST_COPIED_FLAGS | S_NOSEC))
		return true;
	if (unlikely(pst_sb(inode->i_sb)->adapts))
		return pst_adapted_differs(inode);
	return (inode->i_mode ^ l->i_mode) & ~S_IFMT || !uid_eq(inode->i_uid, l->i_uid) ||
	       !gid_eq(inode->i_gid, l->i_gid);
}

/* Refreshes the copies in an inode where they differ from the lower inode, without programs. */
static inline void pst_refresh(struct inode *inode)
{
	if (pst_attr_differs(inode))
		pst_copy_attr(inode);
}

/* shown.c */
bool pst_shows_now(const struct inode *inode);
bool pst_shown_differs(const struct inode *inode);
void pst_seen_fill(const struct inode *inode, const struct chain *chain, struct pst_seen *ret_seen);
umode_t pst_show(struct inode *inode, const struct pst_seen *seen, kuid_t uid, kgid_t gid,
		 umode_t mode);
int pst_renew_differing(struct inode *inode);
int pst_decide_begin(struct inode *inode, int mask, unsigned int *ret_begin);
bool pst_decided_torn(const struct inode *inode, unsigned int begin);
int pst_owns(struct inode *inode, struct inode *dir);
int pst_may_link(struct inode *inode);
int pst_may_touch(struct inode *inode, const struct iattr *attr);
int pst_permission_shown(struct inode *inode, int mask);
struct cred *pst_shown_cred(const struct inode *inode);
const struct cred *pst_act_as_shown(const struct inode *inode);
void pst_act_end_as_shown(const struct cred *caller);
int pst_clear_hidden(const struct inode *inode, struct file *lower);

/* Checks if filters hold for a file that may show other attributes. */
static inline bool pst_shows(const struct inode *inode)
{
	return unlikely(pst_sb(inode->i_sb)->shows) && pst_shows_now(inode);
}

/* As pst_refresh(); also runs programs if they have to decide anew. Returns their error. */
static inline int pst_renew(struct inode *inode)
{
	return pst_attr_differs(inode) ? pst_renew_differing(inode) : 0;
}

/* Begins to act below for the caller, as shown.c says. Returns a value for pst_act_end(). */
static inline const struct cred *pst_act_begin(const struct inode *inode)
{
	return unlikely(pst_i(inode)->other) ? pst_act_as_shown(inode) : NULL;
}

static inline void pst_act_end(const struct cred *caller)
{
	if (unlikely(caller))
		pst_act_end_as_shown(caller);
}

/* Acts with other credentials until pst_act_again(); NULL: with those of the caller. */
static inline const struct cred *pst_act_as(const struct cred *cred)
{
	return unlikely(cred) ? override_creds(cred) : NULL;
}

static inline void pst_act_again(const struct cred *caller)
{
	if (unlikely(caller))
		revert_creds(caller);
}

/* xattr.c */
extern const struct xattr_handler *const pst_xattr_handlers[];
ssize_t pst_listxattr(struct dentry *dentry, char *list, size_t size);
struct posix_acl *pst_get_inode_acl(struct inode *inode, int type, bool rcu);
struct posix_acl *pst_get_acl(struct mnt_idmap *idmap, struct dentry *dentry, int type);
int pst_set_acl(struct mnt_idmap *idmap, struct dentry *dentry, struct posix_acl *acl, int type);

/* The operations that inodes of all types have, and all but symbolic links. */
#define PST_IOPS                                                                                   \
	.permission = pst_permission, .getattr = pst_getattr, .setattr = pst_setattr,              \
	.listxattr = pst_listxattr
#define PST_ACL_IOPS                                                                               \
	.get_inode_acl = pst_get_inode_acl, .get_acl = pst_get_acl, .set_acl = pst_set_acl

/* inode.c */
struct inode *pst_iget(struct super_block *sb, struct inode *lower);
struct dentry *pst_find_name(struct inode *inode, struct dentry **ret_lower);

/* dentry.c */
extern const struct dentry_operations pst_dentry_ops;
struct inode *pst_iget_for(struct dentry *dentry, struct dentry *lower);
struct dentry *pst_lookup_lower(struct dentry *dentry, bool served);
struct dentry *pst_lookup(struct inode *dir, struct dentry *dentry, unsigned int flags);
void pst_replace_lower(struct dentry *dentry, struct dentry *lower);
void pst_recheck_later(struct dentry *d);
void pst_recheck_children(struct dentry *d);
void pst_checked(struct dentry *d, const struct pst_chain *chain, unsigned int seq);
void pst_look_again(struct dentry *dentry);
void pst_forget_removed_below(struct dentry *dentry);

/* serve.c */
int pst_serve_take(struct super_block *sb, struct fs_context *fc, struct path *serve, bool all);
void pst_serve_drop_twin(struct inode *inode);

/* serve-name.c */
int pst_serve_choose(struct pst_name_op *op);
void pst_serve_done(struct pst_name_op *op);
struct file *pst_serve_create(const struct pst_name_op *op);

/* name.c */
extern const struct inode_operations pst_dir_iops;
int pst_add_permissions(const struct pst_name_op *op, struct dentry *lower);

/*
 * Returns the flags for the lower file. A view that is mounted with one of the flags @noatime, or
 * read-only, must not move the times below either.
 */
static inline unsigned int pst_lower_flags(const struct file *file, int noatime)
{
	const struct vfsmount *mnt = file->f_path.mnt;

	if (mnt->mnt_flags & (noatime | MNT_READONLY) || sb_rdonly(mnt->mnt_sb))
		return file->f_flags | O_NOATIME;
	return file->f_flags;
}

/* open.c */
struct cred *pst_cred_without_context(const struct super_block *sb, const struct cred *caller);
int pst_open(struct inode *inode, struct file *file);
int pst_release(struct inode *inode, struct file *file);
int pst_finish_open(struct file *file, struct dentry *dentry, struct file *lower);
int pst_tmpfile(struct mnt_idmap *idmap, struct inode *dir, struct file *file, umode_t mode);

/* file.c */
extern const struct file_operations pst_file_ops;
struct file *pst_lower_file(struct file *file);
int pst_fsync(struct file *file, loff_t start, loff_t end, int datasync);
loff_t pst_llseek(struct file *file, loff_t offset, int whence);

/* copy.c */
ssize_t pst_copy_file_range(struct file *in, loff_t pos_in, struct file *out, loff_t pos_out,
			    size_t len, unsigned int flags);
loff_t pst_remap_file_range(struct file *in, loff_t pos_in, struct file *out, loff_t pos_out,
			    loff_t len, unsigned int flags);

/* ioctl.c */
long pst_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
long pst_compat_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
int pst_fileattr_get(struct dentry *dentry, struct c_fileattr *fa);
int pst_fileattr_set(struct mnt_idmap *idmap, struct dentry *dentry, struct c_fileattr *fa);

/* lock.c */
int pst_lock(struct file *file, int cmd, struct file_lock *fl);
void pst_unlock_all(struct file *file);

/* dir.c */
extern const struct file_operations pst_dir_ops;
int pst_iterate_lower(struct file *lower, struct dir_context *ctx);

/* export.c */
extern const struct export_operations pst_export_ops;

/* attach.c */
int pst_attach_filters(struct fs_context *fc, struct pst_sb *s);

/* chain.c */
struct pst_chain *pst_chain_get(const struct pst_sb *s);

/* filters.c */
void pst_filters_end(struct pst_sb *s);
void pst_filters_free_inode(struct pst_inode *pi);

/* change.c */
void pst_settle_now(struct dentry *d);

/* Returns what pst_settle() needs at the end of an operation that makes a dentry or its file. */
static inline u32 pst_settle_begin(const struct super_block *sb)
{
	return READ_ONCE(pst_sb(sb)->change);
}

/* Does what a change of filters does to each dentry, if one came since the operation began. */
static inline void pst_settle(struct dentry *d, u32 began)
{
	u32 now;

	/* If the number is old, the change waits for this, and then finds the dentry. */
	rcu_read_lock();
	now = READ_ONCE(pst_sb(d->d_sb)->change);
	rcu_read_unlock();
	if (unlikely(now != began || now & 1))
		pst_settle_now(d);
}

/* call-name.c */
struct pst_name_op {
	u32 opcode;
	struct dentry *dentry;  /* its name; TMPFILE: the file */
	struct dentry *dentry2; /* RENAME: the new name */
	struct inode *inode;    /* LINK: the file; RENAME: the new directory */
	struct dentry *from;    /* LINK: a name of the file */
	umode_t mode;           /* of a new file, with its type */
	dev_t dev;              /* MKNOD */
	unsigned int flags;     /* CREATE, TMPFILE: of open; RENAME */
	const char *text;       /* SYMLINK: the target */
	/* Set by pst_serve_choose(): */
	bool served;              /* the operation is done in the second tree ... */
	struct dentry *second[2]; /* ... with these, which are NULL if the names have theirs:
				     RENAME: of both names; LINK: [0], of the file */
	/* Set by pst_name_begin(): */
	u32 began;               /* for pst_settle() */
	bool fixed_names;        /* a dentry without a lower dentry is hidden, see lookup.c */
	const struct cred *cred; /* of who creates the file; NULL: the caller */
	umode_t adds;            /* permissions of a new file that the umask of the caller takes */
	struct pst_name_call *call;
	struct file *file; /* of a served CREATE that has succeeded: the open lower file */
};

#define PST_ANSWERED 1 /* a filter says that the operation is done */

int pst_name_begin(struct pst_name_op *op);
int pst_name_end(struct pst_name_op *op, int r, struct inode *inode);
int pst_filter_rename_again(const struct pst_name_op *op, const struct renamedata *rd);

/* caller.c */
int pst_caller_error(int err, struct inode *dir, unsigned int flags);
int pst_caller_check(struct dentry *d, unsigned int flags);
void pst_caller_forget(const struct dentry *d);

/* list.c */
int pst_filter_iterate(struct file *file, struct dir_context *ctx);

/* control.c */
void pst_control_init(void);
void pst_control_exit(void);
void pst_control_add(struct super_block *sb);
void pst_control_remove(struct pst_sb *s);

/* trace.c */
extern const struct proc_ops pst_trace_ops;
void pst_trace_init(struct pst_sb *s);
void pst_trace_end(struct pst_sb *s);

static inline bool pst_trace_is_read(const struct pst_sb *s)
{
	return !list_empty_careful(&s->readers);
}

/* reclaim.c */
void pst_d_iput(struct dentry *dentry, struct inode *inode);
void pst_drop_lower(const struct super_block *sb, struct dentry *lower);
void pst_reclaim_flush(void);

#endif
