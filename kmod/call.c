// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs filters for operations of the VFS: fills a call of the filter core, and is its engine
 * (struct filter_host).
 *
 * The core is called in the task that does the operation, which may sleep and holds the locks of
 * the directories of the view that the VFS has taken. All filters so far hide by the directory and
 * the name alone (PST_HIDES), or by the caller too. A dentry without a lower dentry is a name that
 * is hidden from all callers, for as long as the view is mounted. No program runs for a name that
 * the dcache has, but those of filters by caller, see caller.c.
 */
#include "filters.h"

#include <linux/filter.h>
#include <linux/rcupdate_trace.h>

#include "filter/apply.h"
#include "filter/call-fill.h"
#include "filter/name-check.h"
#include "filter/place.h"

/* IDs of the first user namespace are those of the kernel. */
void pst_fill_attr(const struct inode *inode, struct pst_attr *ret_attr)
{
	const struct inode *l = pst_lower_inode(inode);

	*ret_attr = (struct pst_attr){
		.ino = l->i_ino,
		.size = i_size_read(l),
		.blocks = l->i_blocks,
		.mode = READ_ONCE(l->i_mode),
		.nlink = READ_ONCE(l->i_nlink),
		.uid = __kuid_val(inode->i_uid),
		.gid = __kgid_val(inode->i_gid),
		.dev_major = MAJOR(l->i_sb->s_dev),
		.dev_minor = MINOR(l->i_sb->s_dev),
	};
}

/* ---- the table --------------------------------------------------------------------------- */

/* The dentries of a RENAME, which the VFS has looked up. */
struct names {
	struct dentry *dentry[2];
	const struct inode *lower[2]; /* the files that really move; NULL: those of dentry */
};

static void fill_node(const struct filter_call *call, struct filter_node *node, bool want_attr,
		      struct pst_node *ret_node)
{
	const struct inode *inode = pst_inode_of(node), *l = pst_lower_inode(inode);

	*ret_node = (struct pst_node){
		.nodeid = pst_i(inode)->nodeid,
		.parent = READ_ONCE(pst_i(inode)->parent),
		.attr = { .ino = l->i_ino,
			  .mode = inode->i_mode & S_IFMT,
			  .dev_major = MAJOR(l->i_sb->s_dev),
			  .dev_minor = MINOR(l->i_sb->s_dev) },
	};
	if (want_attr)
		pst_fill_attr(inode, &ret_node->attr);
}

/* Only a RENAME asks: the other operations say themselves which file is under their name. */
static int peek(const struct filter_call *call, struct filter_node *dir, const char *name,
		struct pst_attr *ret_attr, struct filter_node **ret_node)
{
	const struct names *names = call->aux;

	for (int i = 0; names && i < 2; i++) {
		struct dentry *d = names->dentry[i];

		if (d_inode(d->d_parent) != pst_inode_of(dir) || strcmp(name, d->d_name.name) != 0)
			continue;
		if (d_really_is_negative(d))
			return -ENOENT;
		pst_fill_attr(d_inode(d), ret_attr);
		if (names->lower[i])
			ret_attr->mode = READ_ONCE(names->lower[i]->i_mode);
		*ret_node = &pst_i(d_inode(d))->filter;
		return 0;
	}
	return -ENOENT;
}

/* The dentries hold the nodes of peek(). */
static void put_node(const struct filter_call *call, struct filter_node *node)
{
}

/* No filter runs in a case-insensitive directory, see may_ask(). */
static int real_name(const struct filter_call *call, struct filter_node *dir, const char *name,
		     char ret_real[PST_NAME_SIZE])
{
	return -ENOENT;
}

static port_atomic_u64 *cell(const struct filter_call *call, const struct chain_entry *entry,
			     struct filter_node *node)
{
	return &container_of(node, struct pst_inode, filter)->cells[entry->bit];
}

/* No filter of today sees data. */
static void filters_changed(const struct filter_call *call, struct filter_node *node, u64 changed)
{
}

/*
 * A RENAME holds the locks of both directories from here to its end, and a LOOKUP that of its
 * directory, so a LOOKUP that found the old name has ended before.
 */
static void rename_begins(struct filter_call *call)
{
}

static bool renamed_since(const struct filter_call *call)
{
	return false;
}

static int run(struct filter_call *call, const struct chain_entry *entry, enum filter_kind kind,
	       u32 opcode, const struct pst_ctx *ctx, int *ret_verdict)
{
	const struct bpf_prog *prog = entry->filter->program[kind][opcode];
	struct pst_count __percpu *count = entry->filter->count[kind][opcode];
	/* Programs may write to their context. */
	struct pst_ctx own = *ctx;

	rcu_read_lock_trace();
	*ret_verdict = bpf_prog_run_pin_on_cpu(prog, &own);
	rcu_read_unlock_trace();
	this_cpu_inc(count->runs);
	if (*ret_verdict < 0)
		this_cpu_inc(count->errors);
	else if (*ret_verdict > 0)
		this_cpu_inc(count->answered);
	return 0;
}

/* Counts a wrong program, and logs the first time for each filter. */
static void bad(struct filter_call *call, const struct chain_entry *entry, enum filter_kind kind,
		u32 opcode, const char *what, int error)
{
	this_cpu_inc(entry->filter->count[kind][opcode]->bad);
	if (atomic_inc_return(&entry->filter->n_bad) == 1)
		pr_err("penstock: filter %s: its program %s; the operation failed with EIO\n",
		       entry->facts->name, what);
}

static void event(struct filter_call *call, const struct chain_entry *entry, enum filter_kind kind,
		  const struct pst_event *e, int error)
{
	pst_trace_event(call, entry, kind, e, error);
}

const struct filter_host pst_filter_host = {
	.fill_node = fill_node,
	.peek = peek,
	.put_node = put_node,
	.real_name = real_name,
	.cell = cell,
	.filters_changed = filters_changed,
	.rename_begins = rename_begins,
	.renamed_since = renamed_since,
	.run = run,
	.bad = bad,
	.event = event,
};

/* ---- calls ------------------------------------------------------------------------------- */

/*
 * Begins a call on a directory. Returns its slot, for pst_call_end(); or -EINTR. The core reads the
 * argument of the operation from call->arg, which is all zero here.
 */
struct slot *pst_call_begin(u32 opcode, struct inode *dir)
{
	static const union pst_in no_arg;
	struct pst_filters *filters = pst_filters_of(dir);
	struct slot *slot = pst_slot_get(filters);
	struct filter_call *call;

	if (IS_ERR(slot))
		return slot;
	call = slot->call;
	call->aux = NULL;
	call_begin(call, filters->chain, opcode);
	call->type = S_IFDIR;
	call->node = &pst_i(dir)->filter;
	call->arg = &no_arg;
	call->data = call->slot->data;
	call->filters = chain_asked(call->chain, opcode, call->node, NULL);
	pst_caller_fill(filters, call->chain->want_cgroup, &call->caller);
	return slot;
}

void pst_call_end(struct inode *dir, struct slot *slot)
{
	pst_slot_put(pst_filters_of(dir), slot);
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
 * Asks the filters for a name that is about to be looked up below. The VFS holds the lock of the
 * directory. Returns 0, -ENOENT if the name is hidden, or another error.
 */
int pst_filter_lookup(struct inode *dir, struct dentry *dentry)
{
	struct slot *slot;
	int err;

	if (!pst_filters_of(dir))
		return 0;
	err = may_ask(dentry->d_parent);
	if (err || !filter_node_filters(&pst_i(dir)->filter))
		return err;
	slot = pst_call_begin(FUSE_LOOKUP, dir);
	if (IS_ERR(slot))
		return PTR_ERR(slot);
	slot->call->name[0] = dentry->d_name.name;
	err = call_fill_save(slot->call);
	if (!err)
		err = name_check_call(slot->call);
	if (err)
		pst_trace_result(slot->call, err);
	pst_call_end(dir, slot);
	return err;
}

/*
 * Gives the inode that was found or made under a name its filters and cells, before the dentry gets
 * it. The VFS holds the lock of the directory. Returns 0 or an error.
 */
int pst_filter_found(struct dentry *dentry, struct inode *inode)
{
	struct inode *dir = d_inode(dentry->d_parent);
	struct filter_call *call;
	struct pst_attr attr;
	struct slot *slot;
	int err;

	if (!pst_filters_of(dir))
		return 0;
	slot = pst_call_begin(FUSE_LOOKUP, dir);
	if (IS_ERR(slot))
		return PTR_ERR(slot);
	call = slot->call;
	call->name[0] = dentry->d_name.name;
	pst_fill_attr(inode, &attr);
	err = call_fill_save(call);
	place_inherit(call, call->node);
	if (!err)
		err = apply_found(call, 0, &pst_i(inode)->filter, &attr);
	if (!err) {
		place_give(call, &pst_i(inode)->filter, &call->child);
		WRITE_ONCE(pst_i(inode)->parent, pst_i(dir)->nodeid);
	}
	pst_trace_result(call, err);
	pst_call_end(dir, slot);
	return err;
}

/* Gives the inode of a file without a name the filters and cells of the directory. */
int pst_filter_tmpfile(struct inode *dir, struct inode *inode)
{
	struct slot *slot;

	if (!pst_filters_of(dir))
		return 0;
	slot = pst_call_begin(FUSE_TMPFILE, dir);
	if (IS_ERR(slot))
		return PTR_ERR(slot);
	place_inherit(slot->call, slot->call->node);
	place_give(slot->call, &pst_i(inode)->filter, &slot->call->child);
	pst_call_end(dir, slot);
	return 0;
}

/* Checks names of an operation with a second node. */
static int check_two(struct slot *slot, struct inode *node2, const void *arg)
{
	struct filter_call *call = slot->call;
	int err;

	call->node2 = &pst_i(node2)->filter;
	call->type2 = node2->i_mode & S_IFMT;
	call->arg = arg;
	call->filters = chain_asked(call->chain, call->opcode, call->node, call->node2);
	if (!call->filters)
		return 0;
	err = call_fill_save(call);
	if (!err)
		err = name_check_call(call);
	if (err)
		pst_trace_result(call, err);
	return err;
}

/* Checks if a file may get one more name. Returns 0, -EPERM or another error. */
int pst_filter_link(struct inode *inode, struct inode *dir, struct dentry *dentry)
{
	struct fuse_link_in arg = {};
	struct slot *slot;
	int err;

	if (!pst_filters_of(dir))
		return 0;
	slot = pst_call_begin(FUSE_LINK, dir);
	if (IS_ERR(slot))
		return PTR_ERR(slot);
	arg.oldnodeid = pst_i(inode)->nodeid;
	slot->call->name[0] = dentry->d_name.name;
	err = check_two(slot, inode, &arg);
	pst_call_end(dir, slot);
	return err;
}

/*
 * Checks if a file may move, and gives it the filters of the new place in addition. rd: NULL, or
 * the lower files if others than those of the view are to move. Returns 0, -EPERM or another error.
 */
int pst_filter_rename(struct dentry *old, struct dentry *new, unsigned int flags,
		      const struct renamedata *rd)
{
	struct inode *dir = d_inode(old->d_parent), *new_dir = d_inode(new->d_parent);
	struct fuse_rename2_in arg = { .flags = flags };
	struct names names = { .dentry = { old, new } };
	struct slot *slot;
	int err;

	if (!pst_filters_of(dir))
		return 0;
	slot = pst_call_begin(FUSE_RENAME2, dir);
	if (IS_ERR(slot))
		return PTR_ERR(slot);
	arg.newdir = pst_i(new_dir)->nodeid;
	if (rd) {
		names.lower[0] = d_inode(rd->old_dentry);
		names.lower[1] = d_inode(rd->new_dentry);
	}
	slot->call->aux = &names;
	slot->call->name[0] = old->d_name.name;
	slot->call->name[1] = new->d_name.name;
	err = check_two(slot, new_dir, &arg);
	pst_call_end(dir, slot);
	return err;
}
