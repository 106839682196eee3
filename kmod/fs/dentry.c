// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dentries of the view.
 *
 * A dentry of the view is valid as long as its lower dentry is hashed, has the same name and the
 * lower parent, and has the inode that it had. All changes below go through the lower dentries,
 * so that check in memory is coherence on local file systems; where the lower file system has a
 * d_revalidate of its own (network, FUSE) it is asked too.
 *
 * d_fsdata is set before a dentry is hashed and holds a reference. It changes once more only
 * while the dentry is negative and the VFS holds the lock of the directory for writing
 * (pst_replace_lower()). So it is read under RCU by those who hold neither; lower dentries are
 * freed by RCU. A lower parent is only reached through the parent in the view or by
 * dget_parent().
 */
#include "filters/filters.h"

/*
 * The sequence counts of a dentry of the view and its lower dentry, in one word. The kernel raises
 * the count of a dentry with each change of its name, parent or inode and when it unhashes it. So a
 * pair of dentries that was compared once stays valid as long as both counts are the same: d_time
 * has the stamp of the last comparison, or one of these, which are no stamps because counts are
 * even. A dentry that is HIDDEN has no lower dentry, and is hidden from all (see lookup.c). For one
 * that is to be RECHECKed the filters have changed: if it has a lower dentry, the new ones are
 * asked; if not, the name is looked up again. Only pst_checked() takes this mark away.
 */
#define UNCHECKED 1UL
#define RECHECK   3UL
#define HIDDEN    5UL

struct stamp {
	unsigned int mine, theirs;
};

static struct stamp take_stamp(const struct dentry *d, const struct dentry *l)
{
	return (struct stamp){ raw_seqcount_begin(&d->d_seq), raw_seqcount_begin(&l->d_seq) };
}

static unsigned long stamp_word(struct stamp s)
{
	BUILD_BUG_ON(sizeof(long) < sizeof(s));
	return (unsigned long)s.mine << 32 | s.theirs;
}

static bool is_torn(const struct dentry *d, const struct dentry *l, struct stamp s)
{
	return read_seqcount_retry(&d->d_seq, s.mine) || read_seqcount_retry(&l->d_seq, s.theirs);
}

/*
 * Keeps a stamp, unless the lock is taken: then the next one to compare keeps it. Under the lock
 * the dentry has the lower dentry that was compared, and not one that replaced it.
 */
static void keep_stamp(struct dentry *d, const struct dentry *l, struct stamp s)
{
	if (!spin_trylock(&d->d_lock))
		return;
	if (d->d_fsdata == l && d->d_time != RECHECK)
		WRITE_ONCE(d->d_time, stamp_word(s));
	spin_unlock(&d->d_lock);
}

/* Sets the state of a dentry, unless it has to be rechecked. The caller holds d_lock. */
static void set_state(struct dentry *d, unsigned long state)
{
	if (d->d_time != RECHECK)
		WRITE_ONCE(d->d_time, state);
}

void pst_recheck_later(struct dentry *d)
{
	spin_lock(&d->d_lock);
	WRITE_ONCE(d->d_time, RECHECK);
	spin_unlock(&d->d_lock);
}

/* Those that are still being looked up, too. */
void pst_recheck_children(struct dentry *d)
{
	struct dentry *child;

	spin_lock(&d->d_lock);
	hlist_for_each_entry(child, &d->d_children, d_sib)
	{
		spin_lock_nested(&child->d_lock, DENTRY_D_LOCK_NESTED);
		WRITE_ONCE(child->d_time, RECHECK);
		spin_unlock(&child->d_lock);
	}
	spin_unlock(&d->d_lock);
}

/*
 * The chain lets the name pass that a dentry had when its sequence count was seq. A chain that is
 * put in force meanwhile marks the dentry afterwards, or is seen here.
 */
void pst_checked(struct dentry *d, const struct pst_chain *chain, unsigned int seq)
{
	spin_lock(&d->d_lock);
	if (rcu_access_pointer(pst_sb(d->d_sb)->chain) == chain &&
	    !read_seqcount_retry(&d->d_seq, seq))
		WRITE_ONCE(d->d_time, UNCHECKED);
	spin_unlock(&d->d_lock);
}

/* Checks if the lower dentry @l is that of the directory @dir, or its twin in the second tree. */
static bool is_lower_parent(const struct dentry *dir, const struct dentry *l)
{
	const struct inode *inode;

	if (likely(l == pst_lower(dir)))
		return true;
	inode = d_inode_rcu(dir);
	return inode && l == READ_ONCE(pst_i(inode)->twin);
}

/*
 * Compares the dentry @d of the view with its lower dentry @l. Called under RCU, does not sleep.
 * Returns 1 if all is as it was, 0 if not, -EAGAIN if a change came between, and -ECHILD in RCU
 * walk if the dentry is to be rechecked.
 */
static __always_inline int compare(struct dentry *d, const struct dentry *l, bool refs)
{
	struct stamp s = take_stamp(d, l);
	unsigned long state = READ_ONCE(d->d_time);
	const unsigned char *mine, *theirs;
	const struct inode *inode;
	unsigned int len;
	bool same;

	if (likely(state == stamp_word(s)))
		return 1;
	if (state == RECHECK && !refs)
		return -ECHILD;
	inode = d_inode_rcu(d);
	len = READ_ONCE(d->d_name.len);
	mine = READ_ONCE(d->d_name.name);
	theirs = READ_ONCE(l->d_name.name);
	same = !d_unhashed(l) && d_inode_rcu(l) == (inode ? pst_lower_inode(inode) : NULL) &&
	       !(inode && READ_ONCE(pst_i(inode)->stale)) &&
	       is_lower_parent(READ_ONCE(d->d_parent), READ_ONCE(l->d_parent)) &&
	       READ_ONCE(l->d_name.len) == len;
	/* The names may only be read if they and the length belong together. */
	if (is_torn(d, l, s))
		return -EAGAIN;
	same = same && memcmp(mine, theirs, len) == 0;
	if (is_torn(d, l, s))
		return -EAGAIN;
	if (same)
		keep_stamp(d, l, s);
	return same;
}

/*
 * Compares as the lower directory does: names that differ in case are the same in some. @l has a
 * reference.
 */
static bool compare_folded(struct dentry *d, struct dentry *l)
{
	struct dentry *dir = dget_parent(d), *ldir = pst_lower(dir);
	struct inode *inode = d_inode(d);
	struct name_snapshot n;
	bool same = false;

	if (ldir && ldir->d_flags & DCACHE_OP_COMPARE) {
		take_dentry_name_snapshot(&n, d);
		spin_lock(&l->d_lock);
		same = l->d_parent == ldir && !d_unhashed(l) &&
		       d_inode(l) == (inode ? pst_lower_inode(inode) : NULL) &&
		       d_same_name(l, ldir, &n.name);
		spin_unlock(&l->d_lock);
		release_dentry_name_snapshot(&n);
	}
	dput(dir);
	return same;
}

static int revalidate_rcu(struct dentry *d, unsigned int flags)
{
	const struct dentry *l = pst_lower(d);
	const struct inode *inode = d_inode_rcu(d);
	const struct pst_chain *by_caller;

	/* A name that a filter hides is hidden whatever is below. */
	if (!l)
		return !inode && READ_ONCE(d->d_time) == HIDDEN ? 1 : -ECHILD;
	if (compare(d, l, false) <= 0 || l->d_flags & DCACHE_OP_REVALIDATE)
		return -ECHILD;
	/*
	 * Attributes are copied with references only: the inode may be on its way out here. Those
	 * of a directory in the middle of a path are compared next, by pst_permission().
	 */
	if (inode && !(flags & LOOKUP_PARENT) && pst_attr_differs(inode))
		return -ECHILD;
	by_caller = rcu_dereference(pst_sb(d->d_sb)->by_caller);
	return by_caller ? pst_caller_check_rcu(by_caller, d, flags) : 1;
}

/* Returns the lower dentry with a reference; NULL if a filter hides the name. */
static struct dentry *get_lower(const struct dentry *d)
{
	struct dentry *l;

	rcu_read_lock();
	l = pst_lower(d);
	/* One that is being freed was replaced just now: there is another one. */
	while (l && !lockref_get_not_dead(&l->d_lockref)) {
		cpu_relax();
		l = pst_lower(d);
	}
	rcu_read_unlock();
	return l;
}

/* A function of its own, because its large frame would cost each step of an RCU walk. */
static noinline int revalidate_ref(struct dentry *dentry, unsigned int flags)
{
	struct dentry *l = get_lower(dentry);
	int ret, err = 0;

	if (!l)
		return d_really_is_negative(dentry) && READ_ONCE(dentry->d_time) == HIDDEN;
	do {
		rcu_read_lock();
		ret = compare(dentry, l, true);
		rcu_read_unlock();
	} while (ret == -EAGAIN);
	if (!ret)
		ret = compare_folded(dentry, l);
	/* The lower file system must not be asked about a hidden name. */
	if (ret && READ_ONCE(dentry->d_time) == RECHECK)
		err = pst_filter_recheck(dentry, flags);
	else if (ret && rcu_access_pointer(pst_sb(dentry->d_sb)->by_caller))
		err = pst_caller_check(dentry, flags);
	if (err)
		ret = min(err, 0);
	if (ret > 0 && l->d_flags & DCACHE_OP_REVALIDATE)
		ret = c_lower_revalidate(l, flags);
	if (ret > 0 && d_really_is_positive(dentry))
		err = pst_renew(d_inode(dentry));
	dput(l);
	return err < 0 ? err : ret;
}

/*
 * A walk with references looks first without one, as RCU walk does: most names are valid, and a
 * reference to the lower dentry costs more than the comparison.
 */
static int pst_revalidate(c_revalidate_args)
{
	bool in_rcu_walk = flags & LOOKUP_RCU;
	int ret;

	/* One call, so that the compiler puts the function here. */
	if (!in_rcu_walk)
		rcu_read_lock();
	ret = revalidate_rcu(dentry, flags);
	if (in_rcu_walk)
		return ret;
	rcu_read_unlock();
	return ret == -ECHILD ? revalidate_ref(dentry, flags) : ret;
}

static int pst_weak_revalidate(struct dentry *dentry, unsigned int flags)
{
	struct dentry *l = pst_lower(dentry);
	int ret = 1, err;

	if (l && l->d_flags & DCACHE_OP_WEAK_REVALIDATE)
		ret = l->d_op->d_weak_revalidate(l, flags);
	err = ret > 0 ? pst_renew(d_inode(dentry)) : 0;
	return err ? err : ret;
}

/* The kernel leaves in d_time what the memory had before. */
static int pst_d_init(struct dentry *dentry)
{
	dentry->d_time = UNCHECKED;
	return 0;
}

static void pst_d_release(struct dentry *dentry)
{
	pst_caller_forget(dentry);
	pst_drop_lower(dentry->d_sb, dentry->d_fsdata);
}

const struct dentry_operations pst_dentry_ops = {
	.d_init = pst_d_init,
	.d_revalidate = pst_revalidate,
	.d_weak_revalidate = pst_weak_revalidate,
	.d_iput = pst_d_iput,
	.d_release = pst_d_release,
};

/*
 * Gives a negative dentry another lower dentry. Takes over the reference to it. The VFS holds the
 * lock of the directory for writing, or nobody else knows the dentry.
 */
void pst_replace_lower(struct dentry *dentry, struct dentry *lower)
{
	struct dentry *old;

	if (lower)
		pst_count_served(dentry->d_sb, lower->d_sb, 1);
	spin_lock(&dentry->d_lock);
	old = dentry->d_fsdata;
	set_state(dentry, UNCHECKED);
	/* A task that sees the new lower dentry sees that it is unchecked. */
	smp_store_release(&dentry->d_fsdata, lower);
	spin_unlock(&dentry->d_lock);
	pst_drop_lower(dentry->d_sb, old);
}

/*
 * A name that was removed below is not worth being kept when a task that had its file open closes
 * it. A ->d_delete() would notice the end of any last reference, but cost each path walk more. The
 * absent names of a directory in the view hold those below, which hold the directory.
 */
void pst_forget_removed_below(struct dentry *dentry)
{
	struct dentry *l = pst_lower(dentry);

	/* The root of a file system is never hashed. */
	if (likely(!l || !d_unlinked(l)))
		return;
	d_invalidate(dentry);
	if (d_is_dir(l))
		shrink_dcache_parent(l);
}

/*
 * Makes the next path walk look a name of a file up again, because another lower dentry has to
 * stand for it. The VFS holds the lock of its directory, or the caller a reference.
 */
void pst_look_again(struct dentry *dentry)
{
	struct inode *inode = d_inode(dentry);

	/* A directory or a symlink is never served. */
	if (!S_ISREG(inode->i_mode))
		return;
	remove_inode_hash(inode);
	WRITE_ONCE(pst_i(inode)->stale, true);
	spin_lock(&dentry->d_lock);
	WRITE_ONCE(dentry->d_time, UNCHECKED);
	spin_unlock(&dentry->d_lock);
}

/*
 * Checks if the view knows a directory under another parent or another lower dentry. One without a
 * parent can be put in place of the dentry, unless the dentry is below it.
 */
static bool is_elsewhere(struct inode *inode, struct dentry *dentry, struct dentry *lower)
{
	struct dentry *alias = d_find_any_alias(inode);
	bool ret;

	if (!alias)
		return false;
	ret = pst_lower(alias) != lower ||
	      (IS_ROOT(alias) ? is_subdir(dentry, alias) :
				READ_ONCE(alias->d_parent) != dentry->d_parent);
	dput(alias);
	return ret;
}

/*
 * Returns the inode for a dentry of the view with the lower dentry @lower, which is positive.
 * -ENOMEM; -ELOOP if @lower is LOWER, moved below into a directory that a task in the view is still
 * in: the view cannot be a directory in itself. A directory that was moved below leaves its inode
 * to those who are in it and gets a new one: d_splice_alias() would have to move the old dentry,
 * for which it can only try to get the locks, and fails with ESTALE.
 */
struct inode *pst_iget_for(struct dentry *dentry, struct dentry *lower)
{
	struct inode *inode;

	if (lower == pst_sb(dentry->d_sb)->root)
		return ERR_PTR(-ELOOP);
	inode = pst_iget(dentry->d_sb, d_inode(lower));
	while (!IS_ERR(inode) && S_ISDIR(inode->i_mode) && is_elsewhere(inode, dentry, lower)) {
		remove_inode_hash(inode);
		iput(inode);
		inode = pst_iget(dentry->d_sb, d_inode(lower));
	}
	if (!IS_ERR(inode))
		WRITE_ONCE(pst_i(inode)->parent, pst_i(d_inode(dentry->d_parent))->nodeid);
	return inode;
}

/* Makes an unhashed dentry of the view, without a lower dentry, a name that filters hide. */
static struct dentry *attach_hidden(const struct pst_chain *chain, struct dentry *dentry)
{
	spin_lock(&dentry->d_lock);
	set_state(dentry, chain->fixed_names ? HIDDEN : UNCHECKED);
	spin_unlock(&dentry->d_lock);
	return d_splice_alias(NULL, dentry);
}

/*
 * Makes an unhashed dentry of the view stand for the lower dentry @lower, whose reference it takes
 * over, and hashes it. Returns NULL, a dentry to use instead, or an error.
 */
static struct dentry *attach(const struct pst_chain *chain, struct dentry *dentry,
			     struct dentry *lower)
{
	struct dentry *ret;
	struct inode *inode;
	int err;

	pst_replace_lower(dentry, lower);
	do {
		inode = d_is_positive(lower) ? pst_iget_for(dentry, lower) : NULL;
		if (IS_ERR(inode))
			return ERR_CAST(inode);
		err = pst_filter_found(chain, dentry, inode);
		if (err)
			iput(inode);
		if (err == -ENOENT) {
			pst_replace_lower(dentry, NULL);
			return attach_hidden(chain, dentry);
		}
		if (err)
			return ERR_PTR(err);
		inode = pst_serve_found(chain, dentry, inode);
		if (IS_ERR(inode))
			return ERR_CAST(inode);
		/* Fails with ESTALE where others attached the same directory elsewhere just now. */
		ret = d_splice_alias(inode, dentry);
	} while (ret == ERR_PTR(-ESTALE) || ret == ERR_PTR(-ELOOP));
	/* One that obtain() in export.c has just made may lack its lower dentry. */
	if (!IS_ERR_OR_NULL(ret) && !pst_lower(ret) && cmpxchg(&ret->d_fsdata, NULL, dget(lower)))
		dput(lower);
	return ret;
}

/*
 * Looks a name up in LOWER, or in the second tree if it is served there. The VFS holds the lock of
 * the directory. Returns a lower dentry with a reference, also a negative one, or an error.
 */
struct dentry *pst_lookup_lower(struct dentry *dentry, bool served)
{
	struct dentry *dir = dentry->d_parent, *l;
	const struct cred *caller;

	if (served)
		return pst_serve_lookup(dentry);
	caller = pst_act_begin(d_inode(dir));
	if (IS_ERR(caller))
		return ERR_CAST(caller);
	l = c_lookup(pst_idmap(dir->d_sb), pst_lower(dir), dentry->d_name);
	pst_act_end(caller);
	return l;
}

static struct dentry *lookup(const struct pst_chain *chain, struct inode *dir,
			     struct dentry *dentry, unsigned int flags)
{
	struct dentry *l;
	int err = pst_filter_lookup(chain, dir, dentry);

	if (err == -ENOENT && !pst_is_by_caller(chain, dir))
		return attach_hidden(chain, dentry);
	if (err < 0)
		return ERR_PTR(pst_caller_error(err, dir, flags));
	l = pst_lookup_lower(dentry, err);
	return IS_ERR(l) ? l : attach(chain, dentry, l);
}

struct dentry *pst_lookup(struct inode *dir, struct dentry *dentry, unsigned int flags)
{
	u32 began = pst_settle_begin(dir->i_sb);
	struct pst_chain *chain = pst_chain_get(pst_sb(dir->i_sb));
	struct dentry *ret = lookup(chain, dir, dentry, flags);

	if (!IS_ERR(ret))
		pst_settle(ret ? ret : dentry, began);
	pst_chain_put(chain);
	return ret;
}
