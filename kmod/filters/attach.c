// SPDX-License-Identifier: GPL-2.0-only
/*
 * Filters that are attached to a file or directory (at=).
 *
 * Such a filter holds for the lower file that at= led to when the view got the filter, and for all
 * that is below it. So it stays with a directory that is moved below. In the view, neither that
 * file nor a directory above it can be moved or removed, because the path has to lead to it at the
 * next mount, too.
 */
#include "filters/filters.h"

/* Finds the lower file of at= in LOWER. */
int pst_attach(struct fs_context *fc, const struct pst_sb *s, struct filter *f)
{
	const char *at = f->facts.at;
	struct path path;
	int err = vfs_path_lookup(s->root, s->mnt, at + strspn(at, "/"), LOOKUP_NO_SYMLINKS, &path);

	if (err) {
		errorf(fc,
		       "penstock: filter %s: at=%s is not found in lower= (%pe); the path may "
		       "have no symbolic links",
		       f->facts.name, at, ERR_PTR(err));
		return err;
	}
	f->at = dget(path.dentry);
	path_put(&path);
	return 0;
}

/* Finds the lower files of the filters of a view that is being mounted. */
int pst_attach_filters(struct fs_context *fc, struct pst_sb *s)
{
	struct pst_chain *chain = rcu_dereference_protected(s->chain, true);
	int err = 0;

	for (unsigned int i = 0; chain && i < chain->core.n && !err; i++)
		if (chain->core.entries[i]->at)
			err = pst_attach(fc, s, chain->core.entries[i]->filter);
	return err;
}

/* Drops the lower files, before the mount of LOWER goes. */
void pst_detach_filters(struct pst_chain *chain)
{
	for (unsigned int i = 0; chain && i < chain->core.n; i++) {
		dput(chain->core.entries[i]->filter->at);
		chain->core.entries[i]->filter->at = NULL;
	}
}

/* Lets the filters hold that are attached to the file that a call has found. */
void pst_attached_inherit(struct filter_call *call, const struct inode *inode)
{
	const struct chain *chain = call->chain;

	for (unsigned int i = 0; chain->attached && i < chain->n; i++) {
		const struct chain_entry *entry = chain->entries[i];

		if (!entry->filter->at || d_inode(entry->filter->at) != pst_lower_inode(inode))
			continue;
		call->child.filters |= 1ULL << entry->bit;
		call->child.cells[entry->bit] = entry->facts->cell;
	}
}

/* Checks if a name of the second tree has the file of at=, whose dentry is one of LOWER. */
static bool is_served_file(struct dentry *dentry, const struct dentry *at)
{
	return pst_name_is_served(dentry) && d_really_is_positive(dentry) &&
	       pst_serve_is_same(dentry, at);
}

/* Refuses to move or remove the file of at=, or a directory above it. */
int pst_attached_check(const struct pst_chain *chain, const struct pst_name_op *op)
{
	struct dentry *const names[] = { op->dentry, op->dentry2 };

	if (op->opcode != FUSE_UNLINK && op->opcode != FUSE_RMDIR && op->opcode != FUSE_RENAME2)
		return 0;
	for (unsigned int i = 0; i < chain->core.n; i++)
		for (int j = 0; j < 2 && names[j]; j++) {
			struct dentry *at = chain->core.entries[i]->filter->at;
			struct dentry *l = pst_lower(names[j]);

			if (!at || !l)
				continue;
			if (is_subdir(at, l) || is_served_file(names[j], at))
				return -EPERM;
		}
	return 0;
}
