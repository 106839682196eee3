// SPDX-License-Identifier: GPL-2.0-only
/* vfs_mknod() and its kin take a struct delegated_inode. */

int probe(struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry);
int probe(struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry)
{
	return vfs_mknod(idmap, dir, dentry, 0600, 0, NULL);
}
