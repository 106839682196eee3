// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs filters for names that are looked up.
 *
 * If all programs for names hide by the directory and the name alone (PST_HIDES without
 * PST_JUDGES), for all callers, a dentry without a lower dentry is a hidden name, for as long as
 * the chain is in force, and no program runs for a name that the dcache has. Other programs may
 * answer otherwise for each operation (pst_chain.fixed_names is false): they run before each
 * operation that changes a name, and a hidden name is looked up again each time.
 */
#include "filters/filters.h"
#include "filters/op.h"

#include "filter/apply.h"
#include "filter/call-fill.h"
#include "filter/name-check.h"
#include "filter/place.h"

/* Takes the name and the directory of a dentry to which the task has a reference. */
void pst_place_get(struct dentry *d, struct pst_place *ret_place)
{
	/* The directory and the name belong together if the dentry has not moved meanwhile. */
	for (;;) {
		ret_place->seq = raw_seqcount_begin(&d->d_seq);
		ret_place->parent = dget_parent(d);
		take_dentry_name_snapshot(&ret_place->name, d);
		ret_place->inode = d_inode(d);
		if (!read_seqcount_retry(&d->d_seq, ret_place->seq))
			return;
		pst_place_put(ret_place);
	}
}

void pst_place_put(struct pst_place *place)
{
	release_dentry_name_snapshot(&place->name);
	dput(place->parent);
}

/*
 * Returns 0 if filters can run for names of a directory of the view. In a case-insensitive one they
 * would have to see the spelling on the disk, too.
 */
static int may_ask(struct dentry *dir)
{
	return pst_lower(dir)->d_flags & (DCACHE_OP_COMPARE | DCACHE_OP_HASH) ? -EOPNOTSUPP : 0;
}

/*
 * Returns those of the filters for a directory whose programs for names have to run for a name. All
 * others would pass it.
 */
u64 pst_names_asked(const struct chain *chain, const struct inode *dir, u64 filters,
		    const char *name, size_t len)
{
	u64 asked = filters & filter_node_filters(&pst_i(dir)->filter);

	for (unsigned int i = 0; asked & chain->chooses && i < chain->n; i++) {
		const struct chain_entry *entry = chain->entries[i];
		const port_atomic_u64 *cell;

		if (!(asked & chain->chooses & 1ULL << entry->bit) ||
		    choice_can_match(&entry->facts->choice, name, len))
			continue;
		cell = entry->cells ? pst_cell(pst_i(dir), entry->bit, false) : NULL;
		if (!cell || !port_load(cell))
			asked &= ~(1ULL << entry->bit);
	}
	return asked;
}

/*
 * Asks the filters for a name that is about to be looked up below. The VFS holds the lock of the
 * directory. Returns 0; 1 if the second tree serves the name; -ENOENT if it is hidden; or another
 * error.
 */
int pst_filter_lookup(const struct pst_chain *chain, struct inode *dir, struct dentry *dentry)
{
	struct slot *slot;
	bool asks;
	int err;

	if (!chain)
		return 0;
	err = may_ask(dentry->d_parent);
	asks = pst_serve_may_ask(chain, dir);
	if (err || !(asks || pst_names_asked(&chain->core, dir, chain->core.hides,
					     dentry->d_name.name, dentry->d_name.len)))
		return err;
	slot = pst_call_begin(&chain->core, FUSE_LOOKUP, dir);
	slot->call->name[0] = dentry->d_name.name;
	err = name_check_hidden(slot->call);
	/* The other answers of programs for names count when the name was looked up. */
	if (!err && asks) {
		name_check(slot->call, slot->call->node, dentry->d_name.name, NAME_FIND, NULL);
		asks = slot->call->serve;
	}
	if (err)
		pst_trace_result(slot->call, err);
	pst_call_end(dir, slot);
	return err ? err : asks;
}

/*
 * Gives an inode its filters and cells, before a dentry gets it. Filters that see data hold for a
 * served file without a name as their programs after TMPFILE say, which run in the second tree: it
 * also decides if the file may get a name without them.
 */
void pst_filter_give(struct filter_call *call, struct inode *dir, struct inode *inode)
{
	if (call->opcode == FUSE_TMPFILE && pst_is_served(inode))
		call->child.filters &= ~pst_chain_of(call->chain)->serves;
	pst_attached_inherit(call, inode);
	place_give(call, &pst_i(inode)->filter, &call->child);
	WRITE_ONCE(pst_i(inode)->parent, pst_i(dir)->nodeid);
}

/* Fills the result of an operation that has found or made a file. */
void pst_fill_entry(const struct inode *inode, struct fuse_entry_out *out)
{
	pst_fill_lower_attr(inode, &out->attr);
	out->nodeid = pst_i(inode)->nodeid;
}

/*
 * Checks a name that was looked up below. inode: its file, or NULL; attr: its attributes, also
 * those that a file would have.
 */
static int check_found(struct filter_call *call, struct inode *inode, const struct pst_attr *attr)
{
	u64 both = call->chain->pre[FUSE_LOOKUP] | call->chain->post[FUSE_LOOKUP];
	int r = 0;

	if (both & call->filters) {
		r = call_fill_save(call);
		if (!r)
			r = apply_before(call, name_check_call(call));
	} else if (!(call->chain->names & call->filters)) {
		place_inherit(call, call->node);
	}
	if (!r && call->names_changed)
		r = pst_call_bad(call->chain, call->chain->pre[FUSE_LOOKUP] & call->filters,
				 FILTER_PRE, FUSE_LOOKUP, "changed the name of a lookup");
	if (!r)
		r = apply_found(call, 0, inode ? &pst_i(inode)->filter : NULL, attr);
	if (!apply_asks_after(call) && !(inode && pst_showing(call->chain)))
		return r;
	memset(&call->saved->out, 0, sizeof(call->saved->out));
	call->out_len = call->op->result_size;
	if (inode)
		pst_fill_entry(inode, &call->saved->out.entry);
	else if (attr)
		call->saved->out.entry.attr.mode = attr->mode;
	return apply_after(call, r, r ? NULL : attr, NULL);
}

/*
 * Asks filters about a name in a directory, and gives those that hold to its file. Returns 0, 1 if
 * a program for names has answered PST_SERVE, or an error.
 */
static int ask(const struct pst_chain *chain, struct inode *dir, const char *name,
	       struct inode *inode, bool unlocked)
{
	static const struct pst_called without_lock = { .unlocked = true };
	bool shows = inode && pst_showing(&chain->core);
	struct fuse_attr shown __uninitialized;
	struct pst_seen seen __uninitialized;
	struct pst_attr attr __uninitialized;
	struct filter_call *call;
	struct slot *slot;
	u64 showed;
	bool asked;
	u32 us;
	int err;

	slot = pst_call_begin(&chain->core, FUSE_LOOKUP, dir);
	call = slot->call;
	call->aux = unlocked ? (void *)&without_lock : NULL;
	call->name[0] = name;
	if (inode) {
		if (shows)
			pst_seen_fill(inode, &chain->core, &seen);
		pst_fill_attr(inode, &attr);
	}
	err = check_found(call, inode, inode ? &attr : NULL);
	if (!err && inode) {
		pst_filter_give(call, dir, inode);
		if (shows)
			shown = call->saved->out.entry.attr;
	}
	us = call->delay_us;
	asked = call->serve;
	/* Filters that hold for the file alone have not been asked. */
	showed = call->ran & chain->core.post[FUSE_LOOKUP];
	pst_trace_result(call, err);
	pst_call_end(dir, slot);
	pst_delay(us);
	if (err || !shows)
		return err ? err : asked;
	pst_show_result(inode, &seen, showed, &shown);
	err = pst_renew(inode);
	return err ? err : asked;
}

/*
 * Gives the inode that was found under a name its filters and cells, before the dentry gets it;
 * inode: NULL if the name is absent. The VFS holds the lock of the directory. Returns 0, -ENOENT
 * if the name is hidden, or another error.
 */
int pst_filter_found(const struct pst_chain *chain, struct dentry *dentry, struct inode *inode)
{
	if (!chain || (!inode && chain->fixed_names))
		return 0;
	return min(ask(chain, d_inode(dentry->d_parent), dentry->d_name.name, inode, false), 0);
}

/*
 * Asks the filters in force about a dentry that was looked up under others. The caller has a
 * reference, and no lock of the directory. Returns 0; 1 if the name has to be looked up again; or
 * an error, which is the answer for this task. A hidden name stays in the dcache, because something
 * may be mounted there.
 */
int pst_filter_recheck(struct dentry *d, unsigned int flags)
{
	struct pst_chain *chain = pst_chain_get(pst_sb(d->d_sb));
	struct pst_place at;
	int err = 0;

	pst_place_get(d, &at);
	if (chain)
		err = may_ask(at.parent);
	if (chain && !err)
		err = ask(chain, d_inode(at.parent), at.name.name.name, at.inode, true);
	if (err < 0)
		err = pst_caller_error(err, d_inode(at.parent), flags);
	else if (pst_serve_is_other(chain, d, &at, err))
		err = 1;
	else
		err = 0;
	if (!err)
		pst_checked(d, chain, at.seq);
	pst_place_put(&at);
	pst_chain_put(chain);
	return err;
}

/*
 * Asks the filters that see data if one of them would hold for a regular file of this name. Returns
 * true also if they return an error, because then they decide in the second tree.
 */
bool pst_filter_predict(const struct pst_chain *chain, struct inode *dir, const char *name)
{
	const struct pst_attr attr = { .mode = S_IFREG, .nlink = 1 };
	const struct chain *data = &chain->data;
	struct slot *slot = pst_call_begin(data, FUSE_LOOKUP, dir);
	struct filter_call *call = slot->call;
	bool ret;
	int r;

	call->name[0] = name;
	r = check_found(call, NULL, &attr);
	/* No file exists whose attributes the programs for names could see. */
	ret = r || data->want_child & data->names || call->child.filters & data->all;
	pst_call_end(dir, slot);
	return ret;
}
