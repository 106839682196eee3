// SPDX-License-Identifier: GPL-2.0-only
/* Extended attributes and ACLs: those of the lower inode, got and set as the caller. */
#include "penstock.h"

/*
 * The kernel translates the user ID in file capabilities between the caller's user namespace and
 * the file system's. It does so for the view, so it must not do it again for the lower file, except
 * where the mount of LOWER maps IDs.
 */
static bool is_translated(const struct dentry *dentry, const char *name)
{
	return strcmp(name, XATTR_NAME_CAPS) == 0 && !pst_sb(dentry->d_sb)->idmapped;
}

static int get_any(const struct xattr_handler *handler, struct dentry *dentry, struct inode *inode,
		   const char *name, void *value, size_t size)
{
	struct dentry *lower = pst_lower(dentry);

	/* As with set-id bits: exec through the view would heed what LOWER's mount ignores. */
	if (pst_sb(dentry->d_sb)->nosuid && strcmp(name, XATTR_NAME_CAPS) == 0)
		return -ENODATA;
	if (is_translated(dentry, name))
		return __vfs_getxattr(lower, d_inode(lower), name, value, size);
	return vfs_getxattr(pst_idmap(dentry->d_sb), lower, name, value, size);
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

static int set_any(const struct xattr_handler *handler, struct mnt_idmap *idmap,
		   struct dentry *dentry, struct inode *inode, const char *name, const void *value,
		   size_t size, int flags)
{
	struct mnt_idmap *lower_idmap = pst_idmap(dentry->d_sb);
	int err = mnt_want_write(pst_mnt(dentry));

	if (err)
		return err;
	if (value && is_translated(dentry, name))
		err = set_caps(pst_lower(dentry), value, size, flags);
	else if (value)
		err = vfs_setxattr(lower_idmap, pst_lower(dentry), name, value, size, flags);
	else
		err = vfs_removexattr(lower_idmap, pst_lower(dentry), name);
	mnt_drop_write(pst_mnt(dentry));
	return err;
}

/* The empty prefix takes all names; ACLs have operations of their own. */
static const struct xattr_handler any_name = { .prefix = "", .get = get_any, .set = set_any };

const struct xattr_handler *const pst_xattr_handlers[] = { &any_name, NULL };

ssize_t pst_listxattr(struct dentry *dentry, char *list, size_t size)
{
	return vfs_listxattr(pst_lower(dentry), list, size);
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

struct posix_acl *pst_get_acl(struct mnt_idmap *idmap, struct dentry *dentry, int type)
{
	struct posix_acl *acl =
		vfs_get_acl(pst_idmap(dentry->d_sb), pst_lower(dentry), posix_acl_xattr_name(type));

	if (IS_ERR_OR_NULL(acl) || !pst_sb(dentry->d_sb)->idmapped)
		return acl;
	return map_acl(acl, dentry);
}

int pst_set_acl(struct mnt_idmap *idmap, struct dentry *dentry, struct posix_acl *acl, int type)
{
	struct mnt_idmap *lower_idmap = pst_idmap(dentry->d_sb);
	const char *name = posix_acl_xattr_name(type);
	int err = mnt_want_write(pst_mnt(dentry));

	if (err)
		return err;
	if (acl)
		err = vfs_set_acl(lower_idmap, pst_lower(dentry), name, acl);
	else
		err = vfs_remove_acl(lower_idmap, pst_lower(dentry), name);
	pst_refresh(d_inode(dentry));
	mnt_drop_write(pst_mnt(dentry));
	return err;
}
