// SPDX-License-Identifier: GPL-2.0-only
/*
 * Compiles on every kernel. If it does not, the build stops, because then the results of the other
 * probes mean nothing.
 */

int probe(struct inode *inode);
int probe(struct inode *inode)
{
	return inode->i_mode;
}
