// SPDX-License-Identifier: GPL-2.0-only
/* vfs_create() takes no directory. */

int probe(struct mnt_idmap *idmap, struct dentry *dentry);
int probe(struct mnt_idmap *idmap, struct dentry *dentry)
{
	return vfs_create(idmap, dentry, 0600, NULL);
}
