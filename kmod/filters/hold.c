// SPDX-License-Identifier: GPL-2.0-only
/*
 * Gives the files that a view knows the filters that hold for them, while filters change. An
 * ordinary lookup gives them to the files that the view gets to know.
 *
 * The directories above a file come first, because a file inherits from its directory. An inode
 * that has got the filters of a change has the number of that change. Bits are only added, so two
 * tasks can do this for the same file.
 */
#include "filters/filters.h"

#include "filter/name-check.h"

#define MAX_NAMES 8

/*
 * Gives an inode those of the filters that it does not have yet, with these cells. cells: NULL if
 * no name is known. Then filters that go by names hold for the file until it is looked up.
 */
static void give(const struct chain *chain, struct inode *inode, u64 filters, const u64 *cells)
{
	struct pst_inode *pi = pst_i(inode);

	/* A file without a name is in no tree that a filter is attached to. */
	if (!cells)
		filters &= ~chain->attached;
	filters &= chain->all & ~filter_node_filters(&pi->filter);
	for (unsigned int i = 0; i < chain->n; i++) {
		const struct chain_entry *entry = chain->entries[i];

		if (entry->cells && filters >> entry->bit & 1)
			port_store(pst_cell(pi, entry->bit, true),
				   cells ? cells[entry->bit] : entry->facts->unknown);
	}
	port_or(&pi->filter.filters, filters);
	if (!cells && chain->by_name)
		port_and(&pi->filter.filters, ~FILTERS_SET);
}

/* All filters hold for the root, but those that are attached elsewhere. */
void pst_hold_root(const struct chain *chain, struct inode *root)
{
	u64 held = filter_node_filters(&pst_i(root)->filter);

	for (unsigned int i = 0; i < chain->n; i++) {
		const struct chain_entry *entry = chain->entries[i];

		if (entry->cells && !(held >> entry->bit & 1))
			port_store(pst_cell(pst_i(root), entry->bit, true), entry->facts->cell);
	}
	filter_node_set(&pst_i(root)->filter, chain->all & ~chain->attached, chain->all);
}

static void give_by_name(const struct chain *chain, const struct pst_place *at)
{
	struct slot *slot = pst_call_begin(chain, FUSE_LOOKUP, d_inode(at->parent));
	struct pst_attr attr;

	slot->call->caller = (struct pst_caller){};
	pst_fill_attr(at->inode, &attr);
	/* The verdict does not matter here: a task that has the file open can go on using it. */
	name_check(slot->call, slot->call->node, at->name.name.name, NAME_FIND, &attr);
	pst_attached_inherit(slot->call, at->inode);
	give(chain, at->inode, slot->call->child.filters, slot->call->child.cells);
	pst_call_end(at->inode, slot);
}

/* Gives the file of a dentry the filters that hold for it by this name. */
static void give_to(const struct chain *chain, struct dentry *d)
{
	struct pst_place at;

	if (d == d->d_sb->s_root) {
		pst_hold_root(chain, d_inode(d));
		return;
	}
	if (!chain->by_name || IS_ROOT(d) || d_unhashed(d)) {
		give(chain, d_inode(d), chain->all, NULL);
		return;
	}
	pst_place_get(d, &at);
	if (at.inode)
		give_by_name(chain, &at);
	pst_place_put(&at);
}

/* Returns the highest directory above a dentry that has not got its filters, or the dentry. */
static struct dentry *first_without(struct dentry *d, u32 change)
{
	struct dentry *first = dget(d), *at = dget(d), *up;

	while (!IS_ROOT(at)) {
		up = dget_parent(at);
		dput(at);
		at = up;
		if (READ_ONCE(pst_i(d_inode(at))->change) == change)
			break;
		dput(first);
		first = dget(at);
	}
	dput(at);
	return first;
}

/* Gives filters to the directories above a dentry, from the root down, and then to its file. */
void pst_hold_path(const struct chain *chain, struct dentry *d, u32 change)
{
	struct dentry *at;
	bool done;

	do {
		at = first_without(d, change);
		give_to(chain, at);
		WRITE_ONCE(pst_i(d_inode(at))->change, change);
		done = at == d;
		dput(at);
	} while (!done);
}

/* Gives filters to a file by all names that the dcache has. */
void pst_hold_inode(const struct chain *chain, struct inode *inode, u32 change)
{
	struct dentry *alias[MAX_NAMES], *d;
	unsigned int n = 0;

	if (S_ISDIR(inode->i_mode) && READ_ONCE(pst_i(inode)->change) == change)
		return;
	spin_lock(&inode->i_lock);
	c_for_each_alias(d, inode)
	{
		if (n < MAX_NAMES)
			alias[n] = dget(d);
		n++;
	}
	spin_unlock(&inode->i_lock);
	if (n > MAX_NAMES)
		give(chain, inode, chain->all, NULL);
	for (n = min(n, MAX_NAMES); n--; dput(alias[n]))
		pst_hold_path(chain, alias[n], change);
}
