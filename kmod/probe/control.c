// SPDX-License-Identifier: GPL-2.0-only
/*
 * Compiles on every kernel: the build stops where it does not, because then no probe says
 * anything.
 */

int probe(struct inode *inode);
int probe(struct inode *inode)
{
	return inode->i_mode;
}
