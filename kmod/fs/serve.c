// SPDX-License-Identifier: GPL-2.0-only
/*
 * The second tree of a view (serve_fd): a FUSE view of the same LOWER, which is mounted nowhere. It
 * does what the module cannot do: it runs filters that see data, and leads to a program that
 * answers operations (PST_SERVE). The lower dentry of a name that is served is that of the FUSE
 * view, so whatever is done with the name is done there. If the process of the FUSE view dies,
 * these names give the errors of a dead FUSE file system, never the data below.
 *
 * A name is served in these cases; all other names, and directories, are those of LOWER.
 *
 *	- It is that of a regular file, and a filter holds for the file after LOOKUP that runs in
 *	  the second tree for all files for which it holds (MODULE_SERVE_HELD), as filters that see
 *	  data do; or the file has several names and such a filter holds for its directory, because
 *	  the filter can hold for the file by a name that nobody has looked up here. Before a file
 *	  is created, linked or renamed, these filters are asked for its new name as for a lookup,
 *	  so they have to answer by the name and the type.
 *	- A program for names has returned PST_SERVE for it, before it is looked up.
 *	- It lies in a served directory.
 *	- A program before an operation on names has returned PST_SERVE: the operation is done in
 *	  the second tree, and a name that it makes is served.
 *
 * A RENAME or LINK of which one name is served is done in the second tree, which has both names; a
 * program there may refuse it.
 *
 * For a served file, the programs before and after operations of these filters run in the second
 * tree only. A filter that has memory (maps, variables) would have two, one for each tree: so it
 * runs in the second tree only, and serves the whole view, as a program does that answers
 * operations of its own choice (serves_all, serve_all).
 *
 * A directory of LOWER with served names has a twin: the dentry of the same directory in the second
 * tree, which is the same FUSE inode for as long as the inode of the view lives, wherever others
 * move the directory. It is looked up by the path that the directory has in LOWER.
 *
 * Lock order: the view, the second tree, LOWER. While a task has locked something in LOWER itself
 * or keeps it from being frozen, it does nothing in the second tree, whose process would wait.
 */
#include "filters/filters.h"

#include "kernel/module-abi.h"

#define MAX_TRIES 50 /* while others move directories below */

/* Checks if a filter can send operations to the program of the second tree. */
bool pst_can_ask(const struct filter *f)
{
	return f->serve != MODULE_SERVE_NONE && f->facts.flags & PST_SERVES;
}

/* Finds the filters of a new chain that the second tree has, too. */
void pst_serve_prepare(struct pst_chain *chain)
{
	for (unsigned int i = 0; i < chain->core.n; i++) {
		const struct filter *f = chain->core.entries[i]->filter;
		u64 bit = 1ULL << f->entry.bit;

		if (f->serve == MODULE_SERVE_ALL)
			chain->serves_all = true;
		else if (f->serve != MODULE_SERVE_NONE)
			chain->serves |= bit;
		if (chain->serves & bit && pst_can_ask(f))
			chain->asks |= bit;
		if (f->serve == MODULE_SERVE_HELD)
			chain->held |= bit;
	}
	pst_chain_pick(&chain->core, chain->held, &chain->data);
	/* The answers of these depend on the operation. */
	chain->fixed_names &= !chain->asks;
}

/*
 * Checks the second tree of a view that is being mounted, and takes it over from @serve. all: it
 * serves all names.
 */
int pst_serve_take(struct super_block *sb, struct fs_context *fc, struct path *serve, bool all)
{
	struct pst_sb *s = pst_sb(sb);
	const struct pst_chain *chain = rcu_dereference_protected(s->chain, true);
	const struct super_block *l;

	all |= chain && chain->serves_all;
	s->second_stays |= all;
	if (!serve->mnt)
		return all || (chain && chain->serves) ?
			       invalf(fc, "penstock: serve_fd is missing") :
			       0;
	l = serve->dentry->d_sb;
	if (l == s->mnt->mnt_sb || l->s_type == sb->s_type || !d_is_dir(serve->dentry))
		return invalf(fc, "penstock: serve_fd is no directory of a FUSE view");
	if (s->idmapped || is_idmapped_mnt(serve->mnt))
		return invalf(fc, "penstock: serve_fd does not work with an idmapped mount");
	if (l->s_stack_depth >= FILESYSTEM_MAX_STACK_DEPTH)
		return invalf(fc, "penstock: serve_fd is on too many stacked file systems");
	if (sb->s_root && l->s_stack_depth >= sb->s_stack_depth)
		return invalf(fc, "penstock: serve_fd is on more file systems than the view is");
	sb->s_stack_depth = max(sb->s_stack_depth, l->s_stack_depth + 1);
	s->serve = *serve;
	s->second_dev = l->s_dev;
	*serve = (struct path){};
	/* A task that finds a file to be served finds the tree. */
	smp_store_release(&s->second, l);
	if (all) {
		dput(s->root);
		s->root = dget(s->serve.dentry);
	}
	return 0;
}

/* ---- twins ------------------------------------------------------------------------------- */

/* Gives a directory its twin, unless it has one. Takes over the reference to the twin. */
static void set_twin(struct inode *dir, struct dentry *twin)
{
	if (cmpxchg(&pst_i(dir)->twin, NULL, twin))
		dput(twin);
	else
		atomic_long_inc(&pst_sb(dir->i_sb)->n_twins);
}

/* Drops the twin of an inode, if it has one. No name uses it. */
void pst_serve_drop_twin(struct inode *inode)
{
	struct dentry *twin = xchg(&pst_i(inode)->twin, NULL);

	if (!twin)
		return;
	dput(twin);
	atomic_long_fetch_dec_release(&pst_sb(inode->i_sb)->n_twins);
}

/*
 * Looks a dentry of the view or of LOWER up in @dir of the second tree, by the name that it has
 * now. Returns a reference, or an error.
 */
static struct dentry *look_up(struct dentry *dentry, struct dentry *dir)
{
	struct name_snapshot n;
	struct dentry *l;

	take_dentry_name_snapshot(&n, dentry);
	l = c_lookup(&nop_mnt_idmap, dir, n.name);
	release_dentry_name_snapshot(&n);
	return l;
}

/* The process shows the inode numbers of LOWER, so a name that leads to another file is noticed. */
bool pst_serve_is_same(const struct dentry *dentry, const struct dentry *l)
{
	return d_is_positive(l) && d_inode(l)->i_ino == pst_lower_inode(d_inode(dentry))->i_ino;
}

/* Returns @lower or the one of its parents that lies in @above, with a reference, or NULL. */
static struct dentry *next_below(const struct dentry *above, struct dentry *lower)
{
	struct dentry *d = dget(lower), *parent = dget_parent(d);

	while (parent != above && !IS_ROOT(parent)) {
		dput(d);
		d = parent;
		parent = dget_parent(d);
	}
	if (parent != above) {
		dput(d);
		d = NULL;
	}
	dput(parent);
	return d;
}

/*
 * Looks the file of a dentry of the view up in the second tree by the path that it has in LOWER
 * now, because others may have moved it, or a directory above it, since the view looked it up. The
 * task that mounted the view does so, because the caller may not be allowed to search all of the
 * path. Returns a reference; or an error, ESTALE while others go on moving it.
 */
struct dentry *pst_serve_follow(const struct dentry *dentry)
{
	const struct pst_sb *s = pst_sb(dentry->d_sb);
	const struct cred *old = override_creds(s->filters->cred);
	struct dentry *lower = pst_lower(dentry), *at = dget(s->root), *next;
	struct dentry *l = dget(s->serve.dentry), *dir;

	while (at != lower && !IS_ERR(l)) {
		next = next_below(at, lower);
		dir = l;
		l = next && d_is_dir(dir) ? look_up(next, dir) : ERR_PTR(-ESTALE);
		dput(dir);
		dput(at);
		at = next;
	}
	dput(at);
	revert_creds(old);
	if (!IS_ERR(l) && !pst_serve_is_same(dentry, l)) {
		dput(l);
		l = ERR_PTR(-ESTALE);
	}
	if (l == ERR_PTR(-ESTALE) &&
	    (d_is_dir(lower) ? IS_DEADDIR(d_inode(lower)) : d_unhashed(lower)))
		return ERR_PTR(-ENOENT);
	return l;
}

/* Returns the directory of the second tree for one of the view, without a reference. */
struct dentry *pst_serve_dir(struct dentry *dir)
{
	struct dentry *l;
	int tries = 0;

	while (!(l = pst_second_dir(dir))) {
		l = pst_serve_follow(dir);
		if (!IS_ERR(l))
			set_twin(d_inode(dir), l);
		else if (l != ERR_PTR(-ESTALE) || ++tries == MAX_TRIES)
			break;
	}
	return l;
}

/* Returns the dentry of the second tree for a name of the view, with a reference, or an error. */
struct dentry *pst_serve_lookup(struct dentry *dentry)
{
	struct dentry *parent = dget_parent(dentry), *dir = pst_serve_dir(parent), *l = dir;
	const struct cred *caller;

	if (!IS_ERR(dir)) {
		caller = pst_act_begin(d_inode(parent));
		l = IS_ERR(caller) ? ERR_CAST(caller) : look_up(dentry, dir);
		if (!IS_ERR(caller))
			pst_act_end(caller);
	}
	dput(parent);
	return l;
}

/* ---- lookup ------------------------------------------------------------------------------ */

/* Checks if programs for names can send names of a directory to the second tree. */
bool pst_serve_may_ask(const struct pst_chain *chain, const struct inode *dir)
{
	return filter_node_filters(&pst_i(dir)->filter) & chain->asks & chain->core.names &&
	       !pst_is_served(dir);
}

/* Checks if the second tree serves a file because of a filter that holds for it. */
static bool is_held_by_name(const struct pst_chain *chain, const struct inode *dir,
			    const struct inode *inode)
{
	return S_ISREG(inode->i_mode) && (pst_serve_holds(chain, inode) ||
					  (inode->i_nlink > 1 && pst_serve_holds(chain, dir)));
}

/*
 * Checks if a dentry has to be looked up again, because filters have changed, and the name is to be
 * served now and is not, or the other way round. asked: a program for names has sent it here.
 */
bool pst_serve_is_other(const struct pst_chain *chain, const struct dentry *d,
			const struct pst_place *at, bool asked)
{
	const struct inode *dir = d_inode(at->parent);

	if (!pst_has_second(d->d_sb) || pst_is_served(dir))
		return false;
	return pst_name_is_served(d) !=
	       (asked || (at->inode && is_held_by_name(chain, dir, at->inode)));
}

/* A served file has the filters that its name in LOWER has got. */
static void take_filters(const struct pst_chain *chain, struct inode *inode, struct inode *from)
{
	u64 filters = filter_node_filters(&pst_i(from)->filter);

	if (from->i_nlink > 1)
		filters |= filter_node_filters(&pst_i(inode)->filter);
	port_store(&pst_i(inode)->filter.filters, filters);
	for (unsigned int i = 0; i < chain->core.n; i++) {
		unsigned int bit = chain->core.entries[i]->bit;

		if (chain->core.entries[i]->cells)
			port_store(pst_cell(pst_i(inode), bit, true),
				   port_load(pst_cell(pst_i(from), bit, true)));
	}
	WRITE_ONCE(pst_i(inode)->parent, pst_i(from)->parent);
}

/*
 * Called when a name was found in LOWER and @inode, whose reference this takes over, has got its
 * filters. Returns the inode that the name gets: another one, and another lower dentry, if the file
 * is served; NULL if the second tree has no such name any more; or an error.
 */
struct inode *pst_serve_found(const struct pst_chain *chain, struct dentry *dentry,
			      struct inode *inode)
{
	struct inode *other = NULL;
	struct dentry *l;

	if (!pst_has_second(dentry->d_sb) || !inode || pst_is_served(inode) ||
	    !is_held_by_name(chain, d_inode(dentry->d_parent), inode))
		return inode;
	l = pst_serve_lookup(dentry);
	if (IS_ERR(l))
		other = ERR_CAST(l);
	else if (d_is_positive(l))
		other = pst_iget(dentry->d_sb, d_inode(l));
	if (!IS_ERR_OR_NULL(other)) {
		int err = -ESTALE;

		if (S_ISREG(other->i_mode)) {
			take_filters(chain, other, inode);
			err = pst_renew(other);
		}
		if (err) {
			iput(other);
			other = ERR_PTR(err);
		}
	}
	if (!IS_ERR(other))
		pst_replace_lower(dentry, l);
	else if (!IS_ERR(l))
		dput(l);
	iput(inode);
	return other;
}
