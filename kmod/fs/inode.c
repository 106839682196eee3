// SPDX-License-Identifier: GPL-2.0-only
/*
 * Inodes of the view.
 *
 * One inode of the view for each lower inode, found by the address of the lower inode, which
 * cannot be used again while the inode of the view holds it. A directory that was moved below can
 * have two, see dentry.c. Inodes go with their last dentry: an unused one would only keep the
 * lower inode.
 */
#include "penstock.h"

static const struct inode_operations file_iops = {
	PST_IOPS,
	PST_ACL_IOPS,
	.fileattr_get = pst_fileattr_get,
	.fileattr_set = pst_fileattr_set,
	.fiemap = pst_fiemap,
};

/* Devices, pipes, sockets. */
static const struct inode_operations special_iops = { PST_IOPS, PST_ACL_IOPS };

static const struct inode_operations link_iops = { PST_IOPS, .get_link = pst_get_link };

/*
 * The VFS refuses readahead(2) for files without a_ops; data is in the mapping of the lower
 * inode.
 */
static const struct address_space_operations no_aops = {};

/* Called under RCU: set_lower() ran before the inode got into the hash. */
static int is_inode_of(struct inode *inode, void *lower)
{
	return pst_i(inode)->lower == lower;
}

static int set_lower(struct inode *inode, void *lower)
{
	ihold(lower);
	pst_i(inode)->lower = lower;
	pst_count_served(inode->i_sb, ((struct inode *)lower)->i_sb, 1);
	return 0;
}

/*
 * Finds or makes the inode of the view for a lower inode, to which the caller holds a reference.
 * Returns a reference, or -ENOMEM.
 */
struct inode *pst_iget(struct super_block *sb, struct inode *lower)
{
	struct inode *inode =
		iget5_locked_rcu(sb, (unsigned long)lower, is_inode_of, set_lower, lower);

	if (!inode)
		return ERR_PTR(-ENOMEM);
	if (!c_inode_is_new(inode)) {
		pst_refresh(inode);
		return inode;
	}
	inode->i_mode = READ_ONCE(lower->i_mode);
	inode->i_ino = lower->i_ino;
	inode->i_blkbits = lower->i_blkbits;
	inode->i_mapping->a_ops = &no_aops;
	c_dont_cache_acl(inode);
	inode->i_flags |= S_NOATIME | S_NOCMTIME;
	pst_copy_attr(inode);
	switch (inode->i_mode & S_IFMT) {
	case S_IFDIR:
		inode->i_op = &pst_dir_iops;
		inode->i_fop = &pst_dir_ops;
		break;
	case S_IFLNK:
		inode->i_op = &link_iops;
		break;
	case S_IFREG:
		inode->i_op = &file_iops;
		inode->i_fop = &pst_file_ops;
		break;
	default:
		inode->i_op = &special_iops;
		init_special_inode(inode, inode->i_mode, lower->i_rdev);
	}
	unlock_new_inode(inode);
	return inode;
}

/*
 * Finds a dentry of an inode that has a positive lower dentry, and gets references to both, which
 * keep the latter positive. Skips names that are being removed. Returns NULL if there is no other.
 */
struct dentry *pst_find_name(struct inode *inode, struct dentry **ret_lower)
{
	struct dentry *d, *found;

	for (;;) {
		found = NULL;
		spin_lock(&inode->i_lock);
		c_for_each_alias(d, inode)
		{
			*ret_lower = pst_lower(d);
			if (*ret_lower && d_is_positive(*ret_lower)) {
				dget(*ret_lower);
				found = dget(d);
				break;
			}
		}
		spin_unlock(&inode->i_lock);
		if (!found || d_is_positive(*ret_lower))
			return found;
		/* It was removed before there was the reference. */
		dput(*ret_lower);
		dput(found);
	}
}
