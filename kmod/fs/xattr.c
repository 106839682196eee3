// SPDX-License-Identifier: GPL-2.0-only
/* Extended attributes and ACLs: those of the lower inode, got and set as the caller. */
#include "filters/op.h"

/*
 * The kernel translates the user ID in file capabilities between the caller's user namespace and
 * the file system's. It does so for the view, so it must not do it again for the lower file, except
 * where the mount of LOWER maps IDs.
 */
static bool is_translated(const struct dentry *dentry, const char *name)
{
	return strcmp(name, XATTR_NAME_CAPS) == 0 && !pst_sb(dentry->d_sb)->idmapped;
}

/* Checks if an attribute gives a program rights that it has not with the owner that is shown. */
static bool is_hidden(const struct dentry *dentry, const char *name)
{
	return pst_i(d_inode(dentry))->hidden && strcmp(name, XATTR_NAME_CAPS) == 0;
}

/*
 * As pst_act_begin(). The VFS has checked who may use the attribute of the view, but it leaves
 * those in system.* to the file system.
 */
static const struct cred *act_begin(const struct dentry *dentry, const char *name)
{
	if (!pst_i(d_inode(dentry))->other ||
	    strncmp(name, XATTR_SYSTEM_PREFIX, XATTR_SYSTEM_PREFIX_LEN) == 0)
		return NULL;
	return pst_act_begin(d_inode(dentry));
}

/* Gets a value from the lower inode. */
static ssize_t get_lower(struct dentry *dentry, const char *name, void *value, size_t size)
{
	struct dentry *lower = pst_lower(dentry);
	const struct cred *caller;
	ssize_t n;

	/* As with set-id bits: exec through the view would heed what LOWER's mount ignores. */
	if (is_hidden(dentry, name) ||
	    (pst_sb(dentry->d_sb)->nosuid && strcmp(name, XATTR_NAME_CAPS) == 0))
		return -ENODATA;
	if (is_translated(dentry, name))
		return __vfs_getxattr(lower, d_inode(lower), name, value, size);
	caller = act_begin(dentry, name);
	if (IS_ERR(caller))
		return PTR_ERR(caller);
	n = vfs_getxattr(pst_idmap(dentry->d_sb), lower, name, value, size);
	pst_act_end(caller);
	return n;
}

static int set_caps(struct dentry *lower, const void *value, size_t size, int flags)
{
	int err = -EPERM;

	inode_lock(d_inode(lower));
	/* vfs_setxattr() has asked this about the view, whose copy of the owner can be old. */
	if (capable_wrt_inode_uidgid(&nop_mnt_idmap, d_inode(lower), CAP_SETFCAP))
		err = __vfs_setxattr_locked(&nop_mnt_idmap, lower, XATTR_NAME_CAPS, value, size,
					    flags, NULL);
	inode_unlock(d_inode(lower));
	return err;
}

/* Sets a value of the lower inode; NULL removes it. */
static int set_lower(struct dentry *dentry, const char *name, const void *value, size_t size,
		     int flags)
{
	struct mnt_idmap *lower_idmap = pst_idmap(dentry->d_sb);
	const struct cred *caller;
	int err;

	if (value && is_hidden(dentry, name))
		return -EPERM;
	caller = act_begin(dentry, name);
	err = pst_want_write(dentry, caller);
	if (err)
		return err;
	if (value && is_translated(dentry, name))
		err = set_caps(pst_lower(dentry), value, size, flags);
	else if (value)
		err = vfs_setxattr(lower_idmap, pst_lower(dentry), name, value, size, flags);
	else
		err = vfs_removexattr(lower_idmap, pst_lower(dentry), name);
	pst_change_end(dentry, caller);
	return err;
}

/* Removes a name from a list of @n bytes. Returns its new length. */
static ssize_t drop_name(char *list, ssize_t n, const char *drop)
{
	for (char *name = list, *next; name < list + n; name = next) {
		next = name + strlen(name) + 1;
		if (strcmp(name, drop) == 0) {
			memmove(name, next, list + n - next);
			return n - (next - name);
		}
	}
	return n;
}

/* Lists the names of the lower inode. */
static ssize_t list_lower(struct dentry *dentry, const char *none, void *list, size_t size)
{
	char *all;
	ssize_t n;

	if (!is_hidden(dentry, XATTR_NAME_CAPS))
		return vfs_listxattr(pst_lower(dentry), list, size);
	all = kvmalloc(XATTR_LIST_MAX, GFP_KERNEL_ACCOUNT);
	if (!all)
		return -ENOMEM;
	n = vfs_listxattr(pst_lower(dentry), all, XATTR_LIST_MAX);
	if (n > 0)
		n = drop_name(all, n, XATTR_NAME_CAPS);
	if (n > 0 && size && n > size)
		n = -ERANGE;
	else if (n > 0 && size)
		memcpy(list, all, n);
	kvfree(all);
	return n;
}

/* ---- with filters ------------------------------------------------------------------------ */

static int set_acl_value(struct dentry *dentry, const char *name, const void *value, size_t size,
			 int flags);

/* GETXATTR and LISTXATTR: with size 0, the answer is the size alone. */
static ssize_t
filter_get(struct pst_op *op, struct dentry *dentry, const char *name, void *value, size_t size,
	   ssize_t (*get)(struct dentry *dentry, const char *name, void *value, size_t size))
{
	struct fuse_getxattr_out out = {};
	ssize_t n;
	int err;

	op->in.getxattr = (struct fuse_getxattr_in){ .size = size };
	op->name[0] = name;
	op->room = size;
	op->answer = size ? value : NULL;
	op->out = size ? NULL : &out;
	err = pst_before(op);
	if (!err) {
		n = get(dentry, op->name[0], value, op->in.getxattr.size);
		err = min_t(ssize_t, n, 0);
		op->answer_len = out.size = err ? 0 : n;
	}
	err = pst_after(op, err);
	if (err)
		return err;
	return size ? op->answer_len : out.size;
}

typedef int set_fn(struct dentry *dentry, const char *name, const void *value, size_t size,
		   int flags);

/*
 * SETXATTR and REMOVEXATTR. The caller was allowed to set the attribute as it came; what a filter
 * has made of it is done for the filter.
 */
static int filter_set(struct pst_op *op, struct dentry *dentry, const char *name, const void *value,
		      size_t size, int flags, set_fn *set)
{
	const struct cred *caller;
	struct cred *cred = NULL;
	bool renamed;
	int err;

	if (value)
		op->in.setxattr = (struct fuse_setxattr_in){ .size = size, .flags = flags };
	op->name[0] = name;
	op->data = value;
	op->data_len = size;
	op->may_act = true;
	err = pst_before(op);
	renamed = strcmp(op->name[0], name) != 0;
	if (!err && renamed && set == set_acl_value)
		err = pst_op_bad(op, true, "changed the name of an ACL");
	if (!err && (op->changed || op->acts || renamed || op->data_len != size ||
		     (size && memcmp(op->data, value, size) != 0))) {
		cred = pst_op_cred(op);
		err = cred ? 0 : -ENOMEM;
		flags = op->in.setxattr.flags;
	}
	if (!err) {
		caller = pst_act_as(cred);
		err = set(dentry, op->name[0], op->data, op->data_len, value ? flags : 0);
		pst_act_again(caller);
	}
	if (cred)
		put_cred(cred);
	return pst_after(op, err);
}

static int get_any(const struct xattr_handler *handler, struct dentry *dentry, struct inode *inode,
		   const char *name, void *value, size_t size)
{
	struct pst_op op __uninitialized;

	if (pst_asks(&op, inode, FUSE_GETXATTR))
		return filter_get(&op, dentry, name, value, size, get_lower);
	return get_lower(dentry, name, value, size);
}

/*
 * Checks who may set user attributes of a sticky directory: the same as may remove the directory if
 * it lay in itself. The VFS has done so, perhaps by an owner that is shown to another task.
 */
static int may_set_user(struct inode *inode, const char *name)
{
	if (!S_ISDIR(inode->i_mode) || strncmp(name, XATTR_USER_PREFIX, XATTR_USER_PREFIX_LEN) != 0)
		return 0;
	return pst_owns(inode, inode);
}

static int set_any(const struct xattr_handler *handler, struct mnt_idmap *idmap,
		   struct dentry *dentry, struct inode *inode, const char *name, const void *value,
		   size_t size, int flags)
{
	struct pst_op op __uninitialized;
	int err = may_set_user(inode, name);

	if (err)
		return err;
	if (pst_asks(&op, inode, value ? FUSE_SETXATTR : FUSE_REMOVEXATTR))
		return filter_set(&op, dentry, name, value, size, flags, set_lower);
	return set_lower(dentry, name, value, size, flags);
}

/* The empty prefix takes all names; ACLs have operations of their own. */
static const struct xattr_handler any_name = { .prefix = "", .get = get_any, .set = set_any };

const struct xattr_handler *const pst_xattr_handlers[] = { &any_name, NULL };

ssize_t pst_listxattr(struct dentry *dentry, char *list, size_t size)
{
	struct pst_op op __uninitialized;

	if (pst_asks(&op, d_inode(dentry), FUSE_LISTXATTR))
		return filter_get(&op, dentry, NULL, list, size, list_lower);
	return list_lower(dentry, NULL, list, size);
}

/*
 * The lower inode stores IDs of its file system; the view shows those that its mount maps them
 * to.
 */
static struct posix_acl *map_acl(struct posix_acl *acl, const struct dentry *dentry)
{
	struct user_namespace *fs_ns = pst_lower(dentry)->d_sb->s_user_ns;
	struct mnt_idmap *idmap = pst_idmap(dentry->d_sb);
	struct posix_acl *mapped = posix_acl_clone(acl, GFP_KERNEL);
	struct posix_acl_entry *e;

	posix_acl_release(acl);
	if (!mapped)
		return ERR_PTR(-ENOMEM);
	for (e = mapped->a_entries; e < mapped->a_entries + mapped->a_count; e++) {
		if (e->e_tag == ACL_USER)
			e->e_uid = vfsuid_into_kuid(make_vfsuid(idmap, fs_ns, e->e_uid));
		else if (e->e_tag == ACL_GROUP)
			e->e_gid = vfsgid_into_kgid(make_vfsgid(idmap, fs_ns, e->e_gid));
	}
	return mapped;
}

static struct posix_acl *get_lower_acl(struct dentry *dentry, int type)
{
	struct posix_acl *acl =
		vfs_get_acl(pst_idmap(dentry->d_sb), pst_lower(dentry), posix_acl_xattr_name(type));

	if (IS_ERR_OR_NULL(acl) || !pst_sb(dentry->d_sb)->idmapped)
		return acl;
	return map_acl(acl, dentry);
}

static int set_lower_acl(struct dentry *dentry, struct posix_acl *acl, int type)
{
	struct mnt_idmap *lower_idmap = pst_idmap(dentry->d_sb);
	const char *name = posix_acl_xattr_name(type);
	const struct cred *caller;
	int err = pst_change_begin(dentry, &caller);

	if (err)
		return err;
	if (acl)
		err = vfs_set_acl(lower_idmap, pst_lower(dentry), name, acl);
	else
		err = vfs_remove_acl(lower_idmap, pst_lower(dentry), name);
	pst_refresh(d_inode(dentry));
	pst_change_end(dentry, caller);
	return err;
}

/* ---- ACLs with filters: attributes with the names and values that system calls give them. */

/* The get function of filter_get() for an ACL. */
static ssize_t get_acl_value(struct dentry *dentry, const char *name, void *to, size_t room)
{
	struct posix_acl *acl = get_lower_acl(dentry, posix_acl_type(name));
	void *value;
	size_t size;

	if (IS_ERR_OR_NULL(acl))
		return acl ? PTR_ERR(acl) : -ENODATA;
	value = c_acl_to_xattr(acl, &size);
	posix_acl_release(acl);
	if (value && size <= room)
		memcpy(to, value, size);
	kfree(value);
	return !value ? -ENOMEM : size <= room ? size : -ERANGE;
}

static struct posix_acl *filter_get_acl(struct pst_op *op, struct dentry *dentry, int type)
{
	void *value = kvmalloc(PAGE_SIZE, GFP_KERNEL_ACCOUNT);
	struct posix_acl *acl;
	ssize_t size;

	if (!value)
		return ERR_PTR(-ENOMEM);
	size = filter_get(op, dentry, posix_acl_xattr_name(type), value, PAGE_SIZE, get_acl_value);
	if (size > 0)
		acl = posix_acl_from_xattr(&init_user_ns, value, size);
	else
		acl = size && size != -ENODATA ? ERR_PTR(size) : NULL;
	kvfree(value);
	return acl;
}

/* The set function of filter_set() for an ACL; size 0 removes it. */
static int set_acl_value(struct dentry *dentry, const char *name, const void *value, size_t size,
			 int flags)
{
	struct posix_acl *acl = size ? posix_acl_from_xattr(&init_user_ns, value, size) : NULL;
	int err = PTR_ERR_OR_ZERO(acl);

	if (err)
		return err;
	err = set_lower_acl(dentry, acl, posix_acl_type(name));
	posix_acl_release(acl);
	return err;
}

static int filter_set_acl(struct pst_op *op, struct dentry *dentry, struct posix_acl *acl, int type)
{
	size_t size = 0;
	void *value = acl ? c_acl_to_xattr(acl, &size) : NULL;
	int err = -ENOMEM;

	if (!acl || value)
		err = filter_set(op, dentry, posix_acl_xattr_name(type), value, size, 0,
				 set_acl_value);
	kfree(value);
	return err;
}

struct posix_acl *pst_get_acl(struct mnt_idmap *idmap, struct dentry *dentry, int type)
{
	struct pst_op op __uninitialized;

	if (pst_asks(&op, d_inode(dentry), FUSE_GETXATTR))
		return filter_get_acl(&op, dentry, type);
	return get_lower_acl(dentry, type);
}

/* For generic_permission(), which decides by what is shown. */
struct posix_acl *pst_get_inode_acl(struct inode *inode, int type, bool rcu)
{
	struct posix_acl *acl;
	struct dentry *name, *l;

	if (rcu && (pst_sb(inode->i_sb)->idmapped || pst_sb(inode->i_sb)->shows_acls))
		return ERR_PTR(-ECHILD);
	if (rcu)
		return get_cached_acl_rcu(pst_lower_inode(inode), type);
	name = pst_find_name(inode, &l);
	if (!name)
		return ERR_PTR(-ESTALE);
	acl = pst_get_acl(&nop_mnt_idmap, name, type);
	dput(l);
	dput(name);
	return acl == ERR_PTR(-ENODATA) || acl == ERR_PTR(-EOPNOTSUPP) ? NULL : acl;
}

int pst_set_acl(struct mnt_idmap *idmap, struct dentry *dentry, struct posix_acl *acl, int type)
{
	struct pst_op op __uninitialized;

	if (pst_asks(&op, d_inode(dentry), acl ? FUSE_SETXATTR : FUSE_REMOVEXATTR))
		return filter_set_acl(&op, dentry, acl, type);
	return set_lower_acl(dentry, acl, type);
}
