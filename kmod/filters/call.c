// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs filters for operations of the VFS: fills a call of the filter core, and is its engine
 * (struct filter_host).
 *
 * The core is called in the task that does the operation, which may sleep and holds the locks of
 * the directories of the view that the VFS has taken.
 */
#include "filters/filters.h"

#include <linux/filter.h>
#include <linux/rcupdate_trace.h>

#include "filter/call-fill.h"

/* IDs of the first user namespace are those of the kernel. */
static void fill_attr(const struct inode *l, kuid_t uid, kgid_t gid, struct pst_attr *ret_attr)
{
	*ret_attr = (struct pst_attr){
		.ino = l->i_ino,
		.size = i_size_read(l),
		.blocks = l->i_blocks,
		.mode = READ_ONCE(l->i_mode),
		.nlink = READ_ONCE(l->i_nlink),
		.uid = __kuid_val(uid),
		.gid = __kgid_val(gid),
		.dev_major = MAJOR(l->i_sb->s_dev),
		.dev_minor = MINOR(l->i_sb->s_dev),
	};
}

void pst_fill_attr(const struct inode *inode, struct pst_attr *ret_attr)
{
	fill_attr(pst_lower_inode(inode), pst_lower_uid(inode), pst_lower_gid(inode), ret_attr);
}

/* As pst_fill_attr(), for a lower inode without an inode in the view. */
void pst_fill_attr_below(const struct super_block *sb, const struct inode *l,
			 struct pst_attr *ret_attr)
{
	fill_attr(l, vfsuid_into_kuid(i_uid_into_vfsuid(pst_idmap(sb), l)),
		  vfsgid_into_kgid(i_gid_into_vfsgid(pst_idmap(sb), l)), ret_attr);
}

/* ---- the table --------------------------------------------------------------------------- */

static void fill_node(const struct filter_call *call, struct filter_node *node, bool want_attr,
		      struct pst_node *ret_node)
{
	const struct inode *inode = pst_inode_of(node), *l = pst_lower_inode(inode);
	/* Read before *ret_node is written, which the compiler takes for the same memory. */
	u64 parent = READ_ONCE(pst_i(inode)->parent), ino = l->i_ino;
	umode_t type = inode->i_mode & S_IFMT;
	dev_t dev = l->i_sb->s_dev;

	ret_node->nodeid = pst_i(inode)->nodeid;
	ret_node->parent = parent;
	if (want_attr)
		pst_fill_attr(inode, &ret_node->attr);
	else
		ret_node->attr = (struct pst_attr){
			.ino = ino, .mode = type, .dev_major = MAJOR(dev), .dev_minor = MINOR(dev)
		};
}

/* The VFS has looked up all names of an operation before it begins. */
static int peek(const struct filter_call *call, struct filter_node *dir, const char *name,
		struct pst_attr *ret_attr, struct filter_node **ret_node)
{
	const struct pst_called *names = call->aux;

	for (int i = 0; names && i < 2 && names->dentry[i]; i++) {
		const struct dentry *d = names->dentry[i];
		struct inode *inode = names->inode[i];

		if (d_inode(d->d_parent) != pst_inode_of(dir) || strcmp(name, d->d_name.name) != 0)
			continue;
		if (!names->attr[i].mode)
			return -ENOENT;
		*ret_attr = names->attr[i];
		if (inode && filter_node_filters(&pst_i(inode)->filter) & FILTERS_SET)
			*ret_node = &pst_i(inode)->filter;
		return 0;
	}
	return -ENOENT;
}

/* The caller holds the nodes of peek(). */
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
			     struct filter_node *node, bool make)
{
	return pst_cell(container_of(node, struct pst_inode, filter), entry->bit, make);
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

/* Without the lock of the directory it is possible at any time. */
static bool renamed_since(const struct filter_call *call)
{
	const struct pst_called *names = call->aux;

	return names && names->unlocked;
}

static int run(struct filter_call *call, const struct chain_entry *entry, enum filter_kind kind,
	       u32 opcode, struct pst_ctx *ctx, int *ret_verdict)
{
	const struct bpf_prog *prog = entry->filter->program[kind][opcode];
	struct pst_count __percpu *count = entry->filter->count[kind][opcode];

	rcu_read_lock_trace();
	*ret_verdict = bpf_prog_run_pin_on_cpu(prog, ctx);
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
		pr_err("penstock: filter %s: its program %s%s %s; the operation failed with EIO\n",
		       entry->facts->name, filter_kind_name(kind), filter_kind_op(kind, opcode),
		       what);
}

/*
 * Reports that the programs of these filters, of which only a program itself could tell which it
 * was, have changed what the module cannot change. what continues a sentence that begins with the
 * program's name. Returns -EIO.
 */
int pst_call_bad(const struct chain *chain, u64 filters, enum filter_kind kind, u32 opcode,
		 const char *what)
{
	for (unsigned int i = 0; i < chain->n; i++)
		if (filters >> chain->entries[i]->bit & 1)
			bad(NULL, chain->entries[i], kind, op_filter_opcode(opcode), what, 0);
	return -EIO;
}

/* The second tree has the filter, too, and finds out if the program can answer the operation. */
static bool may_serve(const struct filter_call *call, const struct chain_entry *entry)
{
	return pst_can_ask(entry->filter);
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
	.may_serve = may_serve,
	.event = pst_trace_event,
};

/* ---- calls ------------------------------------------------------------------------------- */

/*
 * Begins a call on a directory under a chain. Returns its slot, for pst_call_end(). The core reads
 * the argument of the operation from call->arg, which is all zero here.
 */
struct slot *pst_call_begin(const struct chain *chain, u32 opcode, struct inode *dir)
{
	static const union pst_in no_arg;
	struct pst_filters *filters = pst_filters_of(dir);
	struct slot *slot = pst_slot_get(filters);
	struct filter_call *call = slot->call;

	call->aux = NULL;
	call_begin(call, chain, opcode);
	call->type = S_IFDIR;
	call->node = &pst_i(dir)->filter;
	call->arg = &no_arg;
	call->data = call->slot->data;
	call->filters = chain_asked(chain, opcode, call->node, NULL) &
			~pst_unread(chain, dir, opcode);
	pst_caller_fill(filters, chain->want_cgroup, &call->caller);
	call->uid = call->caller.uid;
	call->gid = call->caller.gid;
	return slot;
}

void pst_call_end(struct inode *dir, struct slot *slot)
{
	pst_slot_put(pst_filters_of(dir), slot);
}
