// SPDX-License-Identifier: GPL-2.0-only
/* A rw_semaphore has the task that holds it for writing (not with PREEMPT_RT). */
#include <linux/rwsem.h>

bool probe(struct inode *inode);
bool probe(struct inode *inode)
{
	return atomic_long_read(&inode->i_rwsem.owner) == (long)current;
}
