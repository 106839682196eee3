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
 * A name that is absent in the view keeps a lower dentry too, which can get a file that is then
 * removed again. There is no inode of the view whose node could be used, so pst_drop_lower()
 * allocates one; the task may use the reserves, and if it gets none it drops the dentry.
 *
 * An inode can be handed over several times, by several dentries, and while the worker has it:
 * n_late counts the references, and only the one that makes it 1 queues the inode.
 */
#include "penstock.h"

struct late_dentry {
	struct llist_node node;
	struct dentry *dentry;
};

static LLIST_HEAD(late_inodes);
static LLIST_HEAD(late_dentries);

static void drop_late_inodes(struct work_struct *work)
{
	struct pst_inode *pi, *next;
	struct late_dentry *d, *next_d;

	llist_for_each_entry_safe(pi, next, llist_del_all(&late_inodes), late) {
		struct dentry *orphan = xchg(&pi->orphan, NULL);
		int n = atomic_xchg(&pi->n_late, 0);

		dput(orphan);
		while (n--)
			iput(&pi->vfs);
	}
	llist_for_each_entry_safe(d, next_d, llist_del_all(&late_dentries), node) {
		dput(d->dentry);
		kfree(d);
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
	if (pst_lower(dentry) && !cmpxchg(&pi->orphan, NULL, dentry->d_fsdata)) {
		/* The worker drops it before the inode, which is counted, too. */
		pst_count_served(dentry->d_sb, pst_lower(dentry)->d_sb, -1);
		WRITE_ONCE(dentry->d_fsdata, NULL);
	}
	if (atomic_inc_return(&pi->n_late) == 1) {
		llist_add(&pi->late, &late_inodes);
		schedule_work(&late_work);
	}
}

/*
 * Drops the lower dentry of a dentry of the view, or NULL; in reclaim the worker drops that of a
 * removed file.
 */
void pst_drop_lower(const struct super_block *sb, struct dentry *lower)
{
	const struct super_block *l;
	struct late_dentry *d = NULL;

	if (!lower)
		return;
	l = lower->d_sb;
	if (unlikely(current->flags & PF_MEMALLOC) && d_is_positive(lower) &&
	    !READ_ONCE(d_inode(lower)->i_nlink))
		d = kmalloc(sizeof(*d), GFP_NOWAIT | __GFP_NOWARN);
	if (d) {
		d->dentry = lower;
		if (llist_add(&d->node, &late_dentries))
			schedule_work(&late_work);
	} else {
		dput(lower);
	}
	/* pst_serve_end_unused() waits for the worker. */
	pst_count_served(sb, l, -1);
}

/* Waits until the worker has dropped all that it was given before. */
void pst_reclaim_flush(void)
{
	flush_work(&late_work);
}
