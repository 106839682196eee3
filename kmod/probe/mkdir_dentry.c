// SPDX-License-Identifier: GPL-2.0-only
/* ->mkdir and vfs_mkdir() return a dentry. */

typeof(((struct inode_operations *)0)->mkdir(NULL, NULL, NULL, 0)->d_inode) probe;
