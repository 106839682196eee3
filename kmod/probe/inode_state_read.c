// SPDX-License-Identifier: GPL-2.0-only
/* inode->i_state is read by inode_state_read_once(). */

typeof(inode_state_read_once((struct inode *)0)) probe;
