// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory reclaim.
 *
 * A dentry of the view keeps its lower inode. If the file was removed below, that reference is the
 * last one, and dropping it makes the lower file system free the blocks of the file: with
 * transactions, allocations that cannot fail, and waiting. The obvious iput() would do that inside
 * the reclaim of memory, in kswapd or in whichever task allocates. So in reclaim (PF_MEMALLOC) the
 * reference to an inode of the view whose lower inode has no link is handed to a worker. The list
 * needs no allocation, because its node is in the inode of the view.
 *
 * An inode can be handed over several times, by several dentries, and while the worker has it:
 * n_late counts the references, and only the one that makes it 1 queues the inode.
 */
#include "penstock.h"

static LLIST_HEAD(late_inodes);

static void drop_late_inodes(struct work_struct *work)
{
	struct pst_inode *pi, *next;

	llist_for_each_entry_safe(pi, next, llist_del_all(&late_inodes), late) {
		struct dentry *orphan = xchg(&pi->orphan, NULL);
		int n = atomic_xchg(&pi->n_late, 0);

		dput(orphan);
		while (n--)
			iput(&pi->vfs);
	}
}

static DECLARE_WORK(late_work, drop_late_inodes);

/*
 * Drops the inode of a dentry. In reclaim the lower dentry goes to the worker as well: if it was
 * moved below, it can be the last one that holds a directory that was removed below. An inode has
 * room for one; further ones are dropped at once, which for an ordinary file frees nothing while
 * the inode is in the worker's list.
 */
void pst_d_iput(struct dentry *dentry, struct inode *inode)
{
	struct pst_inode *pi = pst_i(inode);

	if (likely(!(current->flags & PF_MEMALLOC)) || READ_ONCE(pi->lower->i_nlink)) {
		iput(inode);
		return;
	}
	if (!cmpxchg(&pi->orphan, NULL, dentry->d_fsdata))
		WRITE_ONCE(dentry->d_fsdata, NULL);
	if (atomic_inc_return(&pi->n_late) == 1) {
		llist_add(&pi->late, &late_inodes);
		schedule_work(&late_work);
	}
}

/* Waits until the worker has dropped all that it was given before. */
void pst_reclaim_flush(void)
{
	flush_work(&late_work);
}
