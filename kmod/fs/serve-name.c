// SPDX-License-Identifier: GPL-2.0-only
/*
 * Chooses the tree in which an operation on names is done; serve.c says which names the second tree
 * serves. The VFS has locked the directories of the view.
 */
#include "../filters/filters.h"

/* Checks if a regular file would be served under this name. */
static bool is_served_as(const struct pst_chain *chain, struct dentry *dentry)
{
	struct inode *dir = d_inode(dentry->d_parent);

	return pst_is_served(dir) ||
	       (pst_serve_holds(chain, dir) && pst_filter_predict(chain, dir, dentry->d_name.name));
}

/* Gives an absent name, whose directory the VFS has locked, its lower dentry in the right tree. */
static int set_tree(const struct pst_chain *chain, struct dentry *dentry, bool served)
{
	struct dentry *l;

	if (pst_is_served(d_inode(dentry->d_parent)) || pst_name_is_served(dentry) == served)
		return 0;
	if (!pst_lower(dentry) && chain && chain->fixed_names)
		return 0; /* hidden for good */
	l = pst_lookup_lower(dentry, served);
	if (IS_ERR(l))
		return PTR_ERR(l);
	pst_replace_lower(dentry, l);
	return 0;
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
	/*
	 * Others have changed the name: the operation is done on what has it now, as in LOWER, a
	 * LINK on the file that had it.
	 */
	if (!IS_ERR(l) && !pst_serve_is_same(dentry, l)) {
		dput(l);
		l = op->opcode == FUSE_LINK ? pst_serve_follow(dentry) : NULL;
	}
	if (IS_ERR(l))
		return PTR_ERR(l);
	op->second[i] = l;
	return 0;
}

/* Gets the dentries of the second tree for the names of an operation that is done there. */
static int get_all_second(const struct pst_chain *chain, struct pst_name_op *op)
{
	switch (op->opcode) {
	case FUSE_UNLINK:
	case FUSE_RMDIR:
		return get_second(chain, op, 0, op->dentry);
	case FUSE_LINK:
		return set_tree(chain, op->dentry, true) ?: get_second(chain, op, 0, op->from);
	case FUSE_RENAME2:
		return get_second(chain, op, 0, op->dentry) ?:
							      get_second(chain, op, 1, op->dentry2);
	default:
		return set_tree(chain, op->dentry, true);
	}
}

/* With a second name the file is one that is served. */
static int choose_for_link(const struct pst_chain *chain, struct pst_name_op *op)
{
	struct dentry *dir = op->dentry->d_parent;

	if (!pst_is_served(op->inode) && !pst_is_served(d_inode(dir)) &&
	    !(S_ISREG(op->inode->i_mode) &&
	      (pst_serve_holds(chain, op->inode) || pst_serve_holds(chain, d_inode(dir)))))
		return set_tree(chain, op->dentry, false);
	return get_all_second(chain, op);
}

static int choose_for_rename(const struct pst_chain *chain, struct pst_name_op *op)
{
	struct dentry *old = op->dentry, *new = op->dentry2;

	op->served = pst_name_is_served(old) || pst_is_served(d_inode(new->d_parent)) ||
		     (d_really_is_positive(new) && pst_name_is_served(new)) ||
		     (S_ISREG(d_inode(old)->i_mode) && is_served_as(chain, new)) ||
		     (op->flags & RENAME_EXCHANGE && S_ISREG(d_inode(new)->i_mode) &&
		      is_served_as(chain, old));
	if (op->served)
		return get_all_second(chain, op);
	return d_really_is_negative(new) ? set_tree(chain, new, false) : 0;
}

static int choose(const struct pst_chain *chain, struct pst_name_op *op)
{
	struct dentry *dir = op->dentry->d_parent;
	int err = 0;

	switch (op->opcode) {
	case FUSE_TMPFILE:
		/* It gets a name later, or none: so it is served in each such directory. */
		op->served = pst_is_served(d_inode(dir)) || pst_serve_holds(chain, d_inode(dir));
		return op->served ? PTR_ERR_OR_ZERO(pst_serve_dir(dir)) : 0;
	case FUSE_RENAME2:
		return choose_for_rename(chain, op);
	case FUSE_LINK:
		err = choose_for_link(chain, op);
		break;
	case FUSE_UNLINK:
	case FUSE_RMDIR:
		break;
	default:
		err = set_tree(chain, op->dentry,
			       S_ISREG(op->mode) && is_served_as(chain, op->dentry));
	}
	op->served = pst_name_is_served(op->dentry);
	return err;
}

/*
 * Chooses the tree in which an operation on names is done, before anything else is done for it; the
 * VFS holds its locks. Returns 0 or an error. The caller drops op->second in both cases.
 */
int pst_serve_choose(struct pst_name_op *op)
{
	struct pst_chain *chain;
	int err;

	if (!pst_has_second(op->dentry->d_sb))
		return 0;
	chain = pst_chain_get(pst_sb(op->dentry->d_sb));
	err = choose(chain, op);
	/* Keeps the second tree until the end of the operation; until here the chain does. */
	if (op->served)
		atomic_long_inc(&pst_sb(op->dentry->d_sb)->n_served);
	pst_chain_put(chain);
	return err;
}

/*
 * A program has answered an operation on names with PST_SERVE: lets the operation be done in the
 * second tree. Returns 0 or an error.
 */
int pst_serve_asked(struct pst_name_op *op)
{
	if (!op->served)
		atomic_long_inc(&pst_sb(op->dentry->d_sb)->n_served);
	op->served = true;
	return get_all_second(NULL, op);
}

/* Ends what pst_serve_choose() began. */
void pst_serve_done(struct pst_name_op *op)
{
	for (int i = 0; i < 2; i++)
		dput(op->second[i]);
	if (op->served)
		atomic_long_dec(&pst_sb(op->dentry->d_sb)->n_served);
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
 * to write to the file. Landlock has checked the path in the view, see open_path(). Returns the
 * open file, or an error.
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
