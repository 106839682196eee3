// SPDX-License-Identifier: GPL-2.0-only
/*
 * Changes of the filters of a mounted view.
 *
 * A change makes a new chain, and then does these steps, with s_umount held:
 *
 *	1. It makes pst_sb.change odd, and waits for RCU.
 *	2. It gives each file that the view knows the bit of the new filter, if that filter holds
 *	   for the file. The directories come first, because files inherit from them.
 *	3. It puts the new chain in force.
 *	4. It marks each dentry, so that the next lookup asks the new chain before it uses the
 *	   dentry (see dentry.c). A dentry that a filter hides stays in the dcache: if it went, the
 *	   kernel would detach what is mounted there.
 *	5. It makes pst_sb.change even.
 *
 * An operation that makes a dentry or gives it a file compares pst_sb.change with what it was at
 * its beginning. If a change came meanwhile, the walks of the change can have missed the file, and
 * the operation does the steps 2 and 4 for its own dentry (pst_settle()). Only a move to another
 * directory could carry a dentry past the walk of step 4: s_vfs_rename_mutex keeps those away.
 *
 * After the change, without s_umount, pst_filters_change_end() waits for operations under the old
 * chain, and frees it. Operations that take too long end under their old chain, which then stays
 * until the view is unmounted.
 */
#include "filters/filters.h"

#include <linux/sched/signal.h>

#include "kernel/module-abi.h"

#define DRAIN (30 * HZ)

struct walk {
	const struct chain *chain;
	u32 change;
	u64 bits;
};

/* ---- walks ------------------------------------------------------------------------------- */

/* Calls a function for all inodes that the view has now, with a reference to the inode. */
static int each_inode(struct super_block *sb, int (*f)(struct inode *inode, const struct walk *w),
		      const struct walk *w)
{
	struct inode *inode, *last = NULL;
	int err = 0;

	spin_lock(&sb->s_inode_list_lock);
	list_for_each_entry(inode, &sb->s_inodes, i_sb_list) {
		if (!igrab(inode))
			continue;
		spin_unlock(&sb->s_inode_list_lock);
		err = f(inode, w);
		/* The reference keeps the inode in the list. */
		iput(last);
		last = inode;
		cond_resched();
		spin_lock(&sb->s_inode_list_lock);
		if (err)
			break;
	}
	spin_unlock(&sb->s_inode_list_lock);
	iput(last);
	return err;
}

static int hold_inode(struct inode *inode, const struct walk *w)
{
	pst_hold_inode(w->chain, inode, w->change);
	return fatal_signal_pending(current) ? -EINTR : 0;
}

static int recheck_inode(struct inode *inode, const struct walk *w)
{
	struct dentry *d = S_ISDIR(inode->i_mode) ? d_find_any_alias(inode) : NULL;

	if (d)
		pst_recheck_children(d);
	dput(d);
	return 0;
}

static int take_inode(struct inode *inode, const struct walk *w)
{
	port_and(&pst_i(inode)->filter.filters, ~w->bits);
	/* Operations under the old chain can have shown attributes until now. */
	if (pst_i(inode)->seen.filters)
		pst_copy_attr(inode);
	return 0;
}

/* Takes the bits of filters that are in no chain from all files, so that others can have them. */
static void free_bits(struct super_block *sb, u64 bits)
{
	struct pst_filters *filters = pst_sb(sb)->filters;
	const struct walk w = { .bits = bits };

	if (!bits)
		return;
	each_inode(sb, take_inode, &w);
	atomic64_andnot(bits, &filters->used);
}

/* ---- operations meanwhile ---------------------------------------------------------------- */

/* See pst_settle(). The dentry has a reference, or the VFS holds the lock of its directory. */
void pst_settle_now(struct dentry *d)
{
	const struct pst_sb *s = pst_sb(d->d_sb);
	/* The number of the change that runs, or that ended last: both are odd. */
	u32 change = (READ_ONCE(s->change) - 1) | 1;
	struct pst_chain *chain;

	pst_recheck_later(d);
	if (d_really_is_negative(d))
		return;
	chain = pst_chain_get_from(&s->next);
	if (chain) {
		pst_hold_path(&chain->fresh, d, change);
	} else {
		chain = pst_chain_get(s);
		if (chain)
			pst_hold_path(&chain->core, d, change);
	}
	pst_chain_put(chain);
}

/* ---- changes ----------------------------------------------------------------------------- */

static struct filter *find(const struct pst_chain *chain, const char *name)
{
	for (unsigned int i = 0; chain && i < chain->core.n; i++)
		if (strcmp(chain->core.entries[i]->facts->name, name) == 0)
			return chain->core.entries[i]->filter;
	return NULL;
}

static noinline_for_stack int unknown(struct fs_context *fc, const struct pst_chain *chain,
				      const char *name)
{
	char names[256] = "";
	int len = 0;

	for (unsigned int i = 0; chain && i < chain->core.n; i++)
		len += scnprintf(names + len, sizeof(names) - len, "%s%s", len ? ", " : "",
				 chain->core.entries[i]->facts->name);
	errorf(fc, "penstock: the view has no filter \"%s\"; %s%s", name,
	       len ? "it has " : "it has none", names);
	return -ENOENT;
}

/* Checks a new filter, attaches it, and gives it a bit. */
static int check_new(struct fs_context *fc, const struct pst_sb *s, const struct pst_chain *chain,
		     struct filter *new, const struct filter *gone)
{
	struct pst_filters *filters = s->filters;
	const struct filter *same = find(chain, new->facts.name);
	u64 unused = ~(atomic64_read(&filters->used) | FILTERS_SET);
	int err = 0;

	if (same && same != gone) {
		errorf(fc,
		       "penstock: the view has a filter \"%s\" already: give this one another name "
		       "with name=NAME, or replace the other filter",
		       new->facts.name);
		return -EEXIST;
	}
	if (!unused) {
		errorf(fc, "penstock: a view has at most %u filters", PST_MAX_FILTERS);
		return -ENOSPC;
	}
	if (new->serve != MODULE_SERVE_NONE && !s->serve.mnt)
		return invalf(fc, "penstock: serve_fd is missing");
	if (filters->map && filters->map != new->map)
		return invalf(fc, "penstock: the programs have different slots");
	new->entry.bit = __ffs64(unused);
	if (new->entry.at)
		err = pst_attach(fc, s, new);
	return err || filters->slot ? err : pst_slots_make(filters, new->map);
}

/*
 * Makes the chain that has new at the place of gone, or at the end; either can be NULL. *ret_chain
 * is NULL if no filter is left.
 */
static int make_chain(const struct pst_chain *old, struct filter *new, const struct filter *gone,
		      struct pst_chain **ret_chain)
{
	struct filter **list = kcalloc(PST_MAX_FILTERS, sizeof(*list), GFP_KERNEL);
	unsigned int n = 0;
	int err = 0;

	if (!list)
		return -ENOMEM;
	for (unsigned int i = 0; old && i < old->core.n; i++) {
		list[n] = old->core.entries[i]->filter;
		if (list[n] == gone)
			list[n] = new;
		if (list[n])
			n++;
	}
	if (new && !gone)
		list[n++] = new;
	*ret_chain = NULL;
	if (n)
		err = pst_chain_new(list, n, ret_chain);
	if (!err && new)
		pst_chain_pick(&(*ret_chain)->core, 1ULL << new->entry.bit, &(*ret_chain)->fresh);
	kfree(list);
	return err;
}

/* Does the steps of a change. After a failure nothing has changed. */
static int change(struct super_block *sb, struct pst_chain *chain)
{
	struct pst_sb *s = pst_sb(sb);
	struct walk w = { .chain = chain ? &chain->fresh : NULL, .change = s->change + 1 };
	int err = 0;

	rcu_assign_pointer(s->next, chain);
	WRITE_ONCE(s->change, w.change);
	synchronize_rcu();
	if (w.chain && w.chain->n)
		err = each_inode(sb, hold_inode, &w);
	if (!err)
		err = mutex_lock_killable(&sb->s_vfs_rename_mutex);
	if (!err) {
		pst_chain_put_in_force(s, chain);
		each_inode(sb, recheck_inode, NULL);
		mutex_unlock(&sb->s_vfs_rename_mutex);
	}
	RCU_INIT_POINTER(s->next, NULL);
	smp_store_release(&s->change, w.change + 1);
	return err;
}

/*
 * Adds a filter, removes the one with the name gone, or both. *ret_old is the chain before, for
 * pst_filters_change_end(). Returns 0, or an error; then nothing has changed. The caller holds
 * s_umount.
 */
int pst_filters_change(struct fs_context *fc, struct filter *new, const char *gone,
		       struct pst_chain **ret_old)
{
	struct super_block *sb = fc->root->d_sb;
	struct pst_sb *s = pst_sb(sb);
	struct pst_chain *old = rcu_dereference_protected(s->chain, true), *chain;
	struct filter *goes = gone ? find(old, gone) : NULL;
	int err = 0;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (gone && !goes)
		return unknown(fc, old, gone);
	if (goes && goes->serve == MODULE_SERVE_ALL) {
		errorf(fc, "penstock: a filter for which a process serves all files cannot be "
			   "removed: unmount the view, and mount it anew without the filter");
		return -EOPNOTSUPP;
	}
	if (new)
		err = check_new(fc, s, old, new, goes);
	if (!err)
		err = make_chain(old, new, goes, &chain);
	if (err)
		return err;
	if (new)
		atomic64_or(1ULL << new->entry.bit, &s->filters->used);
	err = change(sb, chain);
	if (err) {
		/* Operations may have found the chain in pst_sb.next. */
		if (chain) {
			percpu_ref_kill(&chain->ref);
			wait_for_completion(&chain->drained);
			pst_chain_free(chain);
		}
		free_bits(sb, new ? 1ULL << new->entry.bit : 0);
		return err;
	}
	if (old) {
		old->gone = goes ? 1ULL << goes->entry.bit : 0;
		percpu_ref_kill(&old->ref);
	}
	*ret_old = old;
	return 0;
}

static int drop_twin(struct inode *inode, const struct walk *w)
{
	pst_serve_drop_twin(inode);
	return 0;
}

/*
 * Lets the second tree go if no filter needs it. Names that are in use keep it: then it goes after
 * a later change of filters, or with the view. The caller holds s_umount, and no operation is left
 * that began under filters that need the tree, so none gets a name or a twin of it.
 */
void pst_serve_end_unused(struct super_block *sb)
{
	struct pst_sb *s = pst_sb(sb);

	if (!s->serve.mnt || s->second_stays || s->serves)
		return;
	shrink_dcache_sb(sb);
	pst_reclaim_flush();
	if (atomic_long_read_acquire(&s->n_served))
		return;
	/* Only served names lead to twins. */
	each_inode(sb, drop_twin, NULL);
	/* For lower dentries that are not counted any more, see pst_drop_lower(). */
	pst_reclaim_flush();
	/* An inode that is being evicted can have one. */
	if (atomic_long_read_acquire(&s->n_twins))
		return;
	WRITE_ONCE(s->second, NULL);
	path_put(&s->serve);
	s->serve = (struct path){};
}

/* Waits for operations under a chain that is not in force any more, and frees it. */
void pst_filters_change_end(struct fs_context *fc, struct pst_chain *old)
{
	struct super_block *sb = fc->root->d_sb;

	if (wait_for_completion_killable_timeout(&old->drained, DRAIN) > 0) {
		free_bits(sb, old->gone);
		pst_chain_free(old);
		down_write(&sb->s_umount);
		pst_serve_end_unused(sb);
		up_write(&sb->s_umount);
		return;
	}
	warnf(fc,
	      "penstock: some operations that began under the old filters have not ended within "
	      "%d s: they end under these filters, which stay loaded until the view is unmounted",
	      DRAIN / HZ);
	llist_add(&old->late, &pst_sb(sb)->filters->late);
}
