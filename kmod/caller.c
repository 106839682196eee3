// SPDX-License-Identifier: GPL-2.0-only
/*
 * Filters by caller (PST_BY_CALLER): their verdict on a name depends on the task that looks it up.
 *
 * A dentry has no verdict of such filters. d_revalidate asks them for each task, and returns the
 * error that they return: the VFS gives it to that task and keeps the dentry for the others.
 *
 * A filter that also declares PST_HIDES decides by directory, name and caller alone, except for a
 * file with several names, about which it may know something by another name. Its verdict on any
 * other name, also an absent one, is kept in a table, which RCU walk reads without a lock. An entry
 * cannot answer for another task, because its key is all of struct pst_caller, which is all that a
 * program can see of a task. It cannot answer for another name: a number in the key changes when a
 * dentry is freed whose address has the same hash, so the address in an entry with the present
 * number is that of the same dentry; and the sequence count of a dentry changes with its name,
 * parent and inode.
 */
#include "filters.h"

#include <linux/hash.h>
#include <linux/pid_namespace.h>

#include "filter/apply.h"
#include "filter/call-fill.h"

#define TABLE_BITS 11
#define FREED_BITS 8

struct verdict_key {
	u64 freed; /* dentries with the same hash, before */
	const struct dentry *dentry;
	u64 seq;
	struct pst_caller caller;
};

/* An entry of the table. An older one with the same hash is replaced. */
struct kept_verdict {
	unsigned int turn; /* odd: a task writes to the entry */
	int result;
	struct verdict_key key;
} ____cacheline_aligned;

struct verdicts {
	struct kept_verdict entry[1 << TABLE_BITS];
	atomic64_t freed[1 << FREED_BITS];
};

/*
 * Prepares for the filters of a view that is being mounted, whose entries the array has; overwrites
 * the array. Returns 0 or -ENOMEM.
 */
int pst_caller_prepare(struct pst_filters *filters, struct chain_entry **entries)
{
	const struct chain *chain = filters->chain;
	unsigned int n = 0;

	filters->pid_ns = get_pid_ns(task_active_pid_ns(current));
	for (unsigned int i = 0; i < chain->n; i++)
		if (chain->by_caller & chain->names & 1ULL << chain->entries[i]->bit)
			entries[n++] = chain->entries[i];
	if (!n)
		return 0;
	filters->verdicts = kvzalloc(sizeof(*filters->verdicts), GFP_KERNEL_ACCOUNT);
	return filters->verdicts ? chain_new(entries, n, &filters->by_caller) : -ENOMEM;
}

void pst_caller_free(struct pst_filters *filters)
{
	kvfree(filters->verdicts);
	chain_free(filters->by_caller);
	if (filters->pid_ns)
		put_pid_ns(filters->pid_ns);
}

/* Fills the caller. Does not sleep. */
void pst_caller_fill(const struct pst_filters *filters, u64 want_cgroup, struct pst_caller *caller)
{
	*caller = (struct pst_caller){
		.uid = __kuid_val(current_fsuid()),
		.gid = __kgid_val(current_fsgid()),
		.pid = task_pid_nr_ns(current, filters->pid_ns),
		.cgroup = want_cgroup ? c_cgroup_of_current() : 0,
	};
}

/* Returns the filters that must be asked for each caller who looks up a name of a directory. */
static u64 asked(const struct inode *dir)
{
	const struct chain *chain = pst_filters_of(dir)->by_caller;

	return chain ? chain->all & filter_node_filters(&pst_i(dir)->filter) : 0;
}

bool pst_is_by_caller(const struct inode *dir)
{
	return pst_filters_of(dir) && asked(dir);
}

/* ---- the table --------------------------------------------------------------------------- */

static atomic64_t *freed(const struct pst_filters *filters, const struct dentry *d)
{
	return &filters->verdicts->freed[hash_ptr(d, FREED_BITS)];
}

static void fill_key(const struct pst_filters *filters, const struct dentry *d, unsigned int seq,
		     struct verdict_key *key)
{
	key->freed = atomic64_read(freed(filters, d));
	key->dentry = d;
	key->seq = seq;
	pst_caller_fill(filters, filters->by_caller->want_cgroup, &key->caller);
}

static struct kept_verdict *entry_of(const struct pst_filters *filters,
				     const struct verdict_key *key)
{
	u64 mix = (unsigned long)key->dentry ^ (u64)key->caller.uid << 40 ^
		  (u64)key->caller.pid << 20;

	return &filters->verdicts->entry[hash_64(mix, TABLE_BITS)];
}

/* Returns the kept verdict, or -ECHILD. Called under RCU. */
static int kept(const struct pst_filters *filters, const struct verdict_key *key)
{
	const struct kept_verdict *v = entry_of(filters, key);
	unsigned int turn = smp_load_acquire(&v->turn);
	int result = READ_ONCE(v->result);

	if (turn & 1 || memcmp(&v->key, key, sizeof(*key)) != 0)
		return -ECHILD;
	smp_rmb();
	return READ_ONCE(v->turn) == turn ? result : -ECHILD;
}

/* Keeps a verdict, unless another task writes to the same entry. */
static void keep(const struct pst_filters *filters, const struct verdict_key *key, int result)
{
	struct kept_verdict *v = entry_of(filters, key);
	unsigned int turn = READ_ONCE(v->turn);

	if (turn & 1 || cmpxchg(&v->turn, turn, turn + 1) != turn)
		return;
	WRITE_ONCE(v->result, result);
	v->key = *key;
	smp_store_release(&v->turn, turn + 2);
}

/* A dentry is about to be freed. */
void pst_caller_forget(const struct dentry *d)
{
	const struct pst_filters *filters = pst_sb(d->d_sb)->filters;

	if (filters && filters->verdicts)
		atomic64_inc(freed(filters, d));
}

/* ---- asking ------------------------------------------------------------------------------ */

/*
 * Returns what an operation with these LOOKUP_ flags answers to a task from which a name of the
 * directory is hidden (-ENOENT). A name cannot be created there, but first the VFS would find that
 * the task may not write to the directory.
 */
int pst_caller_error(int err, struct inode *dir, unsigned int flags)
{
	if (err != -ENOENT || !(flags & (LOOKUP_CREATE | LOOKUP_RENAME_TARGET)))
		return err;
	err = inode_permission(&nop_mnt_idmap, dir, MAY_WRITE | MAY_EXEC);
	return err ? err : -EPERM;
}

/* Checks if the verdict on a name can be kept: its file, if there is one, has no other name. */
static bool can_keep(const struct inode *inode)
{
	return !inode || S_ISDIR(inode->i_mode) || READ_ONCE(pst_lower_inode(inode)->i_nlink) == 1;
}

static int ask(struct inode *dir, struct inode *inode, const char *name)
{
	struct slot *slot = pst_call_begin(FUSE_LOOKUP, dir);
	struct filter_call *call = slot->call;
	struct pst_attr attr;
	int err;

	call->chain = pst_filters_of(dir)->by_caller;
	call->filters = asked(dir);
	call->name[0] = name;
	if (inode)
		pst_fill_attr(inode, &attr);
	err = call_fill_save(call);
	if (!err)
		err = apply_found(call, 0, inode ? &pst_i(inode)->filter : NULL,
				  inode ? &attr : NULL);
	pst_call_end(dir, slot);
	return err;
}

/* In RCU walk: returns 1 if this task may see the name; an error, which is the answer; -ECHILD. */
int pst_caller_check_rcu(struct dentry *d, unsigned int flags)
{
	unsigned int seq = raw_seqcount_begin(&d->d_seq);
	const struct inode *dir = d_inode_rcu(READ_ONCE(d->d_parent)), *inode = d_inode_rcu(d);
	struct verdict_key key;
	int result;

	if (!dir)
		return -ECHILD;
	if (!asked(dir))
		return 1;
	if (!can_keep(inode))
		return -ECHILD;
	fill_key(pst_filters_of(dir), d, seq, &key);
	result = kept(pst_filters_of(dir), &key);
	/* The answer to an operation that creates the name may need to sleep. */
	if (result && flags & (LOOKUP_CREATE | LOOKUP_RENAME_TARGET))
		return -ECHILD;
	return result ? result : 1;
}

/*
 * Asks the filters by caller about a dentry to which the task has a reference. Returns 0, or an
 * error, which is the answer for this task.
 */
int pst_caller_check(struct dentry *d, unsigned int flags)
{
	struct dentry *parent;
	struct name_snapshot n;
	struct inode *dir, *inode;
	unsigned int seq;
	struct verdict_key key;
	int err;

	/* The directory and the name belong together if the dentry has not moved meanwhile. */
	for (;;) {
		seq = raw_seqcount_begin(&d->d_seq);
		parent = dget_parent(d);
		take_dentry_name_snapshot(&n, d);
		inode = d_inode(d);
		if (!read_seqcount_retry(&d->d_seq, seq))
			break;
		release_dentry_name_snapshot(&n);
		dput(parent);
	}
	dir = d_inode(parent);
	err = 0;
	if (asked(dir)) {
		bool keeps = can_keep(inode) &&
			     !(asked(dir) & ~pst_filters_of(dir)->by_caller->hides);

		if (keeps)
			fill_key(pst_filters_of(dir), d, seq, &key);
		err = ask(dir, inode, n.name.name);
		if (keeps && (!err || err == -ENOENT))
			keep(pst_filters_of(dir), &key, err);
		err = pst_caller_error(err, dir, flags);
	}
	release_dentry_name_snapshot(&n);
	dput(parent);
	return err;
}
