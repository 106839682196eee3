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
 * move the directory. It is looked up by its name in the twin of its parent.
 *
 * Lock order: the view, the second tree, LOWER. While a task has locked something in LOWER itself
 * or keeps it from being frozen, it does nothing in the second tree, whose process would wait.
 */
#include "filters/filters.h"

#include "kernel/module-abi.h"

#define MAX_TRIES 8

/* Checks if a filter can send operations to the program of the second tree. */
bool pst_can_ask(const struct filter *f)
{
	return f->serve != MODULE_SERVE_NONE && f->facts.flags & PST_SERVES;
}

/* Finds the filters of a new chain that the second tree has, too. */
void pst_serve_prepare(struct pst_chain *chain)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < chain->core.n; i++) {
		struct chain_entry *entry = chain->core.entries[i];
		u64 bit = 1ULL << entry->bit;

		if (entry->filter->serve == MODULE_SERVE_NONE)
			continue;
		if (entry->filter->serve == MODULE_SERVE_ALL) {
			chain->serves_all = true;
			continue;
		}
		chain->serves |= bit;
		if (pst_can_ask(entry->filter))
			chain->asks |= bit;
		if (entry->filter->serve != MODULE_SERVE_HELD)
			continue;
		chain->held |= bit;
		chain->data.entries[n++] = entry;
	}
	chain_init(&chain->data, chain->data.entries, n);
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
	if (sb->s_root)
		pst_serve_set_twin(d_inode(sb->s_root), dget(s->serve.dentry));
	/* A task that finds a file to be served finds the twin of the root. */
	smp_store_release(&s->second, l);
	if (all) {
		dput(s->root);
		s->root = dget(s->serve.dentry);
	}
	return 0;
}

/* ---- twins ------------------------------------------------------------------------------- */

/* Gives a directory its twin, unless it has one. Takes over the reference to the twin. */
void pst_serve_set_twin(struct inode *dir, struct dentry *twin)
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
 * Looks a dentry of the view up in @dir of the second tree, by the name that it has now. Returns a
 * reference, or an error.
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
static bool is_same(const struct dentry *dentry, const struct dentry *l)
{
	return d_is_positive(l) && d_inode(l)->i_ino == pst_lower_inode(d_inode(dentry))->i_ino;
}

/* Gives the topmost directory without a twin on the path to @dentry its twin. */
static int find_next_twin(struct dentry *dentry)
{
	struct dentry *d = dget(dentry), *parent = dget_parent(d), *twin;
	int err = 0;

	while (!pst_second_dir(parent)) {
		dput(d);
		d = parent;
		parent = dget_parent(d);
	}
	twin = look_up(d, pst_second_dir(parent));
	if (IS_ERR(twin)) {
		err = PTR_ERR(twin);
	} else if (!is_same(d, twin)) {
		err = -ESTALE;
		dput(twin);
	} else {
		pst_serve_set_twin(d_inode(d), twin);
	}
	dput(parent);
	dput(d);
	return err;
}

/*
 * Returns the directory of the second tree for one of the view, without a reference. The task that
 * mounted the view looks it up, because the caller may not be allowed to search all of the path.
 */
static struct dentry *second_dir(struct dentry *dir)
{
	const struct cred *old = override_creds(pst_sb(dir->d_sb)->filters->cred);
	struct dentry *l;
	int err = 0, tries = 0;

	while (!(l = pst_second_dir(dir)) && !err) {
		err = find_next_twin(dir);
		if (err == -ESTALE && ++tries < MAX_TRIES)
			err = 0;
	}
	revert_creds(old);
	return l ? l : ERR_PTR(err);
}

/* Returns the dentry of the second tree for a name of the view, with a reference, or an error. */
struct dentry *pst_serve_lookup(struct dentry *dentry)
{
	struct dentry *parent = dget_parent(dentry), *dir = second_dir(parent);
	struct dentry *l = IS_ERR(dir) ? dir : look_up(dentry, dir);

	dput(parent);
	return l;
}

/* ---- lookup ------------------------------------------------------------------------------ */

static bool has_second(const struct super_block *sb)
{
	return unlikely(smp_load_acquire(&pst_sb(sb)->second));
}

/* Checks if a filter for whose files the second tree is holds for an inode. */
static bool is_held(const struct pst_chain *chain, const struct inode *inode)
{
	return chain && filter_node_filters(&pst_i(inode)->filter) & chain->held;
}

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
	return S_ISREG(inode->i_mode) &&
	       (is_held(chain, inode) || (inode->i_nlink > 1 && is_held(chain, dir)));
}

/*
 * Checks if a dentry has to be looked up again, because filters have changed, and the name is to be
 * served now and is not, or the other way round. asked: a program for names has sent it here.
 */
bool pst_serve_is_other(const struct pst_chain *chain, const struct dentry *d,
			const struct pst_place *at, bool asked)
{
	const struct inode *dir = d_inode(at->parent);

	if (!has_second(d->d_sb) || pst_is_served(dir))
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
			port_store(pst_cell(pst_i(inode), bit),
				   port_load(pst_cell(pst_i(from), bit)));
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

	if (!has_second(dentry->d_sb) || !inode || pst_is_served(inode) ||
	    !is_held_by_name(chain, d_inode(dentry->d_parent), inode))
		return inode;
	l = pst_serve_lookup(dentry);
	if (IS_ERR(l))
		other = ERR_CAST(l);
	else if (d_is_positive(l))
		other = pst_iget(dentry->d_sb, d_inode(l));
	if (!IS_ERR_OR_NULL(other) && !S_ISREG(other->i_mode)) {
		iput(other);
		other = ERR_PTR(-ESTALE);
	}
	if (!IS_ERR_OR_NULL(other)) {
		int err;

		take_filters(chain, other, inode);
		err = pst_renew(other);
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

/* ---- changes of names -------------------------------------------------------------------- */

/* Checks if a regular file would be served under this name. */
static bool is_served_as(const struct pst_chain *chain, struct dentry *dentry)
{
	struct inode *dir = d_inode(dentry->d_parent);

	return pst_is_served(dir) ||
	       (is_held(chain, dir) && pst_filter_predict(chain, dir, dentry->d_name.name));
}

/* Gives an absent name, whose directory the VFS has locked, its lower dentry in the right tree. */
static int set_tree(const struct pst_chain *chain, struct dentry *dentry, bool served)
{
	struct dentry *l;

	if (pst_is_served(d_inode(dentry->d_parent)) || pst_name_is_served(dentry) == served)
		return 0;
	if (!pst_lower(dentry) && chain && chain->fixed_names)
		return 0; /* hidden for good */
	if (served)
		l = pst_serve_lookup(dentry);
	else
		l = c_lookup(pst_idmap(dentry->d_sb), pst_lower(dentry->d_parent), dentry->d_name);
	if (IS_ERR(l))
		return PTR_ERR(l);
	pst_replace_lower(dentry, l);
	return 0;
}

static int choose_for_new(const struct pst_chain *chain, struct pst_name_op *op)
{
	return set_tree(chain, op->dentry, S_ISREG(op->mode) && is_served_as(chain, op->dentry));
}

/* A file without a name gets one later, or none: so it is served in each such directory. */
static int choose_for_nameless(const struct pst_chain *chain, struct pst_name_op *op)
{
	struct dentry *dir = op->dentry->d_parent;

	op->served = pst_is_served(d_inode(dir)) || is_held(chain, d_inode(dir));
	return op->served ? PTR_ERR_OR_ZERO(second_dir(dir)) : 0;
}

/* Gets the dentry of the second tree for a name that keeps that of LOWER. */
static int get_second(const struct pst_chain *chain, struct pst_name_op *op, int i,
		      struct dentry *dentry)
{
	struct dentry *l;

	if (pst_name_is_served(dentry) || op->second[i])
		return 0;
	if (d_really_is_negative(dentry))
		return set_tree(chain, dentry, true);
	l = pst_serve_lookup(dentry);
	if (IS_ERR(l))
		return PTR_ERR(l);
	op->second[i] = l;
	return is_same(dentry, l) ? 0 : -ESTALE;
}

/* With a second name the file is one that is served. */
static int choose_for_link(const struct pst_chain *chain, struct pst_name_op *op)
{
	struct dentry *dir = op->dentry->d_parent;
	int err;

	if (!pst_is_served(op->inode) && !pst_is_served(d_inode(dir)) &&
	    !(S_ISREG(op->inode->i_mode) &&
	      (is_held(chain, op->inode) || is_held(chain, d_inode(dir)))))
		return set_tree(chain, op->dentry, false);
	err = set_tree(chain, op->dentry, true);
	return err ? err : get_second(chain, op, 0, op->from);
}

static int choose_for_rename(const struct pst_chain *chain, struct pst_name_op *op)
{
	struct dentry *old = op->dentry, *new = op->dentry2;
	int ret = pst_name_is_served(old) || pst_is_served(d_inode(new->d_parent)) ||
		  (d_really_is_positive(new) && pst_name_is_served(new));
	int err;

	if (!ret && S_ISREG(d_inode(old)->i_mode))
		ret = is_served_as(chain, new);
	if (!ret && op->flags & RENAME_EXCHANGE && S_ISREG(d_inode(new)->i_mode))
		ret = is_served_as(chain, old);
	if (ret < 0)
		return ret;
	op->served = ret;
	if (!ret)
		return d_really_is_negative(new) ? set_tree(chain, new, false) : 0;
	err = get_second(chain, op, 0, old);
	return err ? err : get_second(chain, op, 1, new);
}

static int choose(const struct pst_chain *chain, struct pst_name_op *op)
{
	int err = 0;

	switch (op->opcode) {
	case FUSE_TMPFILE:
		return choose_for_nameless(chain, op);
	case FUSE_RENAME2:
		return choose_for_rename(chain, op);
	case FUSE_LINK:
		err = choose_for_link(chain, op);
		break;
	case FUSE_UNLINK:
	case FUSE_RMDIR:
		break;
	default:
		err = choose_for_new(chain, op);
	}
	op->served = pst_name_is_served(op->dentry);
	return err;
}

/* Keeps the second tree until the end of an operation. The caller has a chain with it. */
static void count(struct pst_name_op *op)
{
	struct pst_sb *s = pst_sb(op->dentry->d_sb);

	if (!op->counted)
		atomic_long_inc(&s->n_served);
	op->counted = true;
}

/*
 * Chooses the tree in which an operation on names is done, before anything else is done for it; the
 * VFS holds its locks. Returns 0 or an error. The caller drops op->second in both cases.
 */
int pst_serve_choose(struct pst_name_op *op)
{
	struct pst_chain *chain;
	int err;

	if (!has_second(op->dentry->d_sb))
		return 0;
	chain = pst_chain_get(pst_sb(op->dentry->d_sb));
	err = choose(chain, op);
	if (op->served)
		count(op);
	pst_chain_put(chain);
	return err;
}

/*
 * A program has answered an operation on names with PST_SERVE: lets the operation be done in the
 * second tree. Returns 0 or an error.
 */
int pst_serve_asked(struct pst_name_op *op)
{
	int err;

	op->served = true;
	count(op);
	switch (op->opcode) {
	case FUSE_UNLINK:
	case FUSE_RMDIR:
		return get_second(NULL, op, 0, op->dentry);
	case FUSE_LINK:
		err = set_tree(NULL, op->dentry, true);
		return err ? err : get_second(NULL, op, 0, op->from);
	case FUSE_RENAME2:
		err = get_second(NULL, op, 0, op->dentry);
		return err ? err : get_second(NULL, op, 1, op->dentry2);
	default:
		return set_tree(NULL, op->dentry, true);
	}
}

/* Ends what pst_serve_choose() began. */
void pst_serve_done(struct pst_name_op *op)
{
	for (int i = 0; i < 2; i++)
		dput(op->second[i]);
	if (op->counted)
		atomic_long_dec(&pst_sb(op->dentry->d_sb)->n_served);
	op->counted = false;
}

static struct file *create(const struct pst_name_op *op, const struct cred *cred)
{
	const struct path dir = { .mnt = pst_sb(op->dentry->d_sb)->serve.mnt,
				  .dentry = pst_lower_dir(op->dentry) };
	const struct cred *caller = pst_act_as(cred);
	struct file *file = file_open_root(&dir, op->dentry->d_name.name,
					   op->flags | O_CREAT | O_EXCL, op->mode & ~S_IFMT);

	pst_act_again(caller);
	return file;
}

/*
 * Creates and opens a served file. Both are one operation, because a filter may allow nobody else
 * to write to the file. Landlock has checked the path in the view, see open_path(). Returns the open
 * file, or an error.
 */
struct file *pst_serve_create(const struct pst_name_op *op)
{
	struct file *file = create(op, op->cred);
	struct cred *without;

	if (file != ERR_PTR(-EACCES))
		return file;
	without = pst_cred_without_context(op->dentry->d_sb, op->cred ?: current_cred());
	if (!without)
		return ERR_PTR(-ENOMEM);
	file = create(op, without);
	put_cred(without);
	return file;
}
