// SPDX-License-Identifier: GPL-2.0-only
/*
 * File handles, for name_to_handle_at(2) and NFS.
 *
 * A handle of the view is that of the lower file behind one word: the type of the lower handle, and
 * WITH_PARENT. If LOWER is not the root of its file system, a handle of a file has to show that the
 * file lies below LOWER: it contains the parent, and decoding connects the file to it. So after
 * such a file moves to another directory its old handles are stale, as with subtree_check of NFS.
 */
#include "penstock.h"

#define PST_FILEID  0xd5
#define WITH_PARENT 0x100

static bool shows_all(const struct super_block *sb)
{
	return pst_sb(sb)->root == pst_sb(sb)->root->d_sb->s_root;
}

/* Takes the size of @fh in words of 4 bytes, and sets it to what is needed. */
static int pst_encode_fh(struct inode *inode, u32 *fh, int *max_len, struct inode *parent)
{
	struct inode *l = pst_lower_inode(inode);
	struct dentry *alias, *name, *dir = NULL;
	int len = max(*max_len - 1, 0), type;

	if (rcu_access_pointer(pst_sb(inode->i_sb)->chain))
		return FILEID_INVALID;
	WRITE_ONCE(pst_sb(inode->i_sb)->handles, true);
	if (!S_ISDIR(l->i_mode) && (parent || !shows_all(inode->i_sb))) {
		/* A dentry that obtain() has just made can lack its lower dentry. */
		alias = pst_find_name(inode, &name);
		if (!alias)
			return FILEID_INVALID;
		dir = dget_parent(name);
		dput(name);
		dput(alias);
	}
	type = exportfs_encode_inode_fh(l, (struct fid *)(fh + 1), &len, dir ? d_inode(dir) : NULL,
					0);
	if (type >= 0 && type < FILEID_INVALID && len < *max_len) {
		fh[0] = type | (dir ? WITH_PARENT : 0);
		type = PST_FILEID;
	} else {
		type = FILEID_INVALID;
	}
	*max_len = len + 1;
	dput(dir);
	return type;
}

static int is_below_lower(void *sb, struct dentry *lower)
{
	return is_subdir(lower, pst_sb(sb)->root);
}

static int is_anywhere(void *sb, struct dentry *lower)
{
	return 1;
}

/*
 * Returns the lower dentry of a handle with a reference, NULL for handles of others, or an error.
 */
static struct dentry *decode(struct super_block *sb, struct fid *fid, int len, int type)
{
	u32 head = fid->raw[0];
	bool check = head & WITH_PARENT || !shows_all(sb);

	WRITE_ONCE(pst_sb(sb)->handles, true);
	/* A handle would lead to a file without its name, which filters decide by. */
	if (rcu_access_pointer(pst_sb(sb)->chain))
		return ERR_PTR(-ESTALE);
	if (type != PST_FILEID || len < 2 || head & ~(WITH_PARENT | 0xffu))
		return NULL;
	return exportfs_decode_fh(pst_sb(sb)->mnt, (struct fid *)(fid->raw + 1), len - 1,
				  head & 0xff, check ? is_below_lower : is_anywhere, sb);
}

/*
 * Returns a dentry of the view for a lower dentry, whose reference it takes over; or an error. If
 * the view got filters meanwhile, the inode may be younger than the walk of pst_filters_change(),
 * and no filter has seen a name of it.
 */
static struct dentry *obtain(struct super_block *sb, struct dentry *lower)
{
	u32 began = pst_settle_begin(sb);
	struct dentry *dentry;

	if (IS_ERR_OR_NULL(lower))
		return lower;
	dentry = d_obtain_alias(pst_iget(sb, d_inode(lower)));
	/* A new dentry without a parent has no lower dentry yet; two tasks can get the same one. */
	if (IS_ERR(dentry) || cmpxchg(&dentry->d_fsdata, NULL, lower))
		dput(lower);
	if (IS_ERR(dentry))
		return dentry;
	pst_settle(dentry, began);
	if (!rcu_access_pointer(pst_sb(sb)->chain))
		return dentry;
	dput(dentry);
	return ERR_PTR(-ESTALE);
}

static struct dentry *pst_fh_to_dentry(struct super_block *sb, struct fid *fid, int len, int type)
{
	return obtain(sb, decode(sb, fid, len, type));
}

static struct dentry *get_lower_parent(struct super_block *sb, struct dentry *lower)
{
	struct dentry *dir = dget_parent(lower);

	if (lower != pst_sb(sb)->root && dir != lower && is_subdir(dir, pst_sb(sb)->root))
		return dir;
	dput(dir);
	return ERR_PTR(-ESTALE);
}

static struct dentry *pst_fh_to_parent(struct super_block *sb, struct fid *fid, int len, int type)
{
	struct dentry *l, *dir;

	if (!(fid->raw[0] & WITH_PARENT))
		return NULL;
	l = decode(sb, fid, len, type);
	if (IS_ERR_OR_NULL(l))
		return l;
	dir = get_lower_parent(sb, l);
	dput(l);
	return obtain(sb, dir);
}

static struct dentry *pst_get_parent(struct dentry *child)
{
	return obtain(child->d_sb, get_lower_parent(child->d_sb, pst_lower(child)));
}

static int pst_get_name(struct dentry *dir, char *name, struct dentry *child)
{
	struct dentry *l = pst_lower(child);
	struct name_snapshot n;
	int err = -ESTALE;

	take_dentry_name_snapshot(&n, l);
	if (READ_ONCE(l->d_parent) == pst_lower(dir) && n.name.len <= NAME_MAX) {
		memcpy(name, n.name.name, n.name.len);
		name[n.name.len] = '\0';
		err = 0;
	}
	release_dentry_name_snapshot(&n);
	return err;
}

const struct export_operations pst_export_ops = {
	.encode_fh = pst_encode_fh,
	.fh_to_dentry = pst_fh_to_dentry,
	.fh_to_parent = pst_fh_to_parent,
	.get_parent = pst_get_parent,
	.get_name = pst_get_name,
};
