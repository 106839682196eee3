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
#include "penstock.h"

/* A name and its length that belong together, although the dentry may be renamed meanwhile. */
struct name {
	const unsigned char *text;
	unsigned int len, seq;
};

static bool read_name(const struct dentry *dentry, struct name *n)
{
	n->seq = raw_seqcount_begin(&dentry->d_seq);
	n->text = READ_ONCE(dentry->d_name.name);
	n->len = READ_ONCE(dentry->d_name.len);
	return !read_seqcount_retry(&dentry->d_seq, n->seq);
}

/*
 * Compares the dentry @d of the view with its lower dentry @l. Called under RCU, takes no lock.
 * Returns 1 if all is as it was, 0 if not, -EAGAIN if a rename came between.
 */
static int compare(const struct dentry *d, const struct dentry *l)
{
	const struct inode *inode = d_inode_rcu(d);
	struct name mine, theirs;
	bool same;

	if (d_unhashed(l) || d_inode_rcu(l) != (inode ? pst_lower_inode(inode) : NULL))
		return 0;
	if (!read_name(d, &mine) || !read_name(l, &theirs))
		return -EAGAIN;
	same = READ_ONCE(l->d_parent) == pst_lower(READ_ONCE(d->d_parent)) &&
	       mine.len == theirs.len && memcmp(mine.text, theirs.text, mine.len) == 0;
	if (read_seqcount_retry(&d->d_seq, mine.seq) || read_seqcount_retry(&l->d_seq, theirs.seq))
		return -EAGAIN;
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

	if (!l || compare(d, l) <= 0 || l->d_flags & DCACHE_OP_REVALIDATE)
		return -ECHILD;
	/* Attributes are copied with references only: the inode may be on its way out here. */
	return inode && pst_attr_differs(inode) ? -ECHILD : 1;
}

/* Returns the lower dentry with a reference; NULL where there is none. */
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

static int pst_revalidate(c_revalidate_args)
{
	struct dentry *l;
	int ret;

	if (flags & LOOKUP_RCU)
		return revalidate_rcu(dentry, flags);
	l = get_lower(dentry);
	if (!l)
		return d_really_is_negative(dentry);
	do {
		rcu_read_lock();
		ret = compare(dentry, l);
		rcu_read_unlock();
	} while (ret == -EAGAIN);
	if (!ret)
		ret = compare_folded(dentry, l);
	if (ret && l->d_flags & DCACHE_OP_REVALIDATE)
		ret = c_lower_revalidate(l, flags);
	if (ret > 0 && d_really_is_positive(dentry))
		pst_refresh(d_inode(dentry));
	dput(l);
	return ret;
}

static int pst_weak_revalidate(struct dentry *dentry, unsigned int flags)
{
	struct dentry *l = pst_lower(dentry);
	int ret = 1;

	if (l && l->d_flags & DCACHE_OP_WEAK_REVALIDATE)
		ret = l->d_op->d_weak_revalidate(l, flags);
	if (ret > 0)
		pst_refresh(d_inode(dentry));
	return ret;
}

/* Called with the last reference: a name that was removed below is not worth being kept. */
static int pst_d_delete(const struct dentry *dentry)
{
	const struct dentry *l = pst_lower(dentry);

	return l && d_unhashed(l);
}

static void pst_d_release(struct dentry *dentry)
{
	dput(dentry->d_fsdata);
}

const struct dentry_operations pst_dentry_ops = {
	.d_revalidate = pst_revalidate,
	.d_weak_revalidate = pst_weak_revalidate,
	.d_delete = pst_d_delete,
	.d_iput = pst_d_iput,
	.d_release = pst_d_release,
};

/*
 * Gives a negative dentry another lower dentry. Takes over the reference to it. The VFS holds the
 * lock of the directory for writing.
 */
void pst_replace_lower(struct dentry *dentry, struct dentry *lower)
{
	dput(xchg(&dentry->d_fsdata, lower));
}

/* Checks if the view knows a directory under another parent or another lower dentry. */
static bool is_elsewhere(struct inode *inode, struct dentry *dentry, struct dentry *lower)
{
	struct dentry *alias = d_find_any_alias(inode);
	bool ret;

	if (!alias)
		return false;
	ret = pst_lower(alias) != lower ||
	      (!IS_ROOT(alias) && READ_ONCE(alias->d_parent) != dentry->d_parent);
	dput(alias);
	return ret;
}

/*
 * Returns the inode for a dentry of the view with the lower dentry @lower, which is positive;
 * -ENOMEM. A directory that was moved below leaves its inode to those who are in it and gets a new
 * one: d_splice_alias() would have to move the old dentry, for which it can only try to get the
 * locks, and fails with ESTALE.
 */
struct inode *pst_iget_for(struct dentry *dentry, struct dentry *lower)
{
	struct inode *inode = pst_iget(dentry->d_sb, d_inode(lower));

	while (!IS_ERR(inode) && S_ISDIR(inode->i_mode) && is_elsewhere(inode, dentry, lower)) {
		remove_inode_hash(inode);
		iput(inode);
		inode = pst_iget(dentry->d_sb, d_inode(lower));
	}
	return inode;
}

/*
 * Makes an unhashed dentry of the view stand for the lower dentry @lower, whose reference it takes
 * over, and hashes it. Returns NULL, a dentry to use instead, or an error.
 */
struct dentry *pst_attach(struct dentry *dentry, struct dentry *lower)
{
	struct dentry *ret;
	struct inode *inode;

	pst_replace_lower(dentry, lower);
	do {
		inode = d_is_positive(lower) ? pst_iget_for(dentry, lower) : NULL;
		/* Fails with ESTALE where others attached the same directory elsewhere just now. */
		ret = d_splice_alias(inode, dentry);
	} while (ret == ERR_PTR(-ESTALE) || ret == ERR_PTR(-ELOOP));
	return ret;
}

struct dentry *pst_lookup(struct inode *dir, struct dentry *dentry, unsigned int flags)
{
	struct dentry *parent = pst_lower(dentry->d_parent);
	struct dentry *l = c_lookup(pst_idmap(dir->i_sb), parent, &dentry->d_name);

	return IS_ERR(l) ? l : pst_attach(dentry, l);
}
