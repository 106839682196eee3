// SPDX-License-Identifier: GPL-2.0-only
/* vfs_mknod() and its kin take a struct delegated_inode. */

typeof(vfs_mknod((struct mnt_idmap *)0, NULL, NULL, 0600, 0, NULL)) probe;
