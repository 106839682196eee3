// SPDX-License-Identifier: GPL-2.0-only
/* vfs_create() takes no directory. */

typeof(vfs_create((struct mnt_idmap *)0, (struct dentry *)0, 0600, NULL)) probe;
