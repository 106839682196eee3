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
#include "filters/filters.h"

#include <linux/hash.h>
#include <linux/pid_namespace.h>

#include "filter/apply.h"

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

/* Finds the filters by caller of a new chain. Returns 0 or -ENOMEM. */
int pst_caller_prepare(struct pst_chain *chain)
{
	u64 filters = chain->core.by_caller & chain->core.names;

	if (!filters)
		return 0;
	pst_chain_pick(&chain->core, filters, &chain->by_caller);
	chain->verdicts = kvzalloc(sizeof(*chain->verdicts), GFP_KERNEL_ACCOUNT);
	return chain->verdicts ? 0 : -ENOMEM;
}

/* Fills the caller. Does not sleep. */
void pst_caller_fill(const struct pst_filters *filters, u64 want_cgroup, struct pst_caller *caller)
{
	bool first = filters->pid_ns == &init_pid_ns;

	*caller = (struct pst_caller){
		.uid = __kuid_val(current_fsuid()),
		.gid = __kgid_val(current_fsgid()),
		.pid = first ? task_pid_nr(current) : task_pid_nr_ns(current, filters->pid_ns),
		.cgroup = want_cgroup ? c_cgroup_of_current() : 0,
	};
}

/* Returns the filters that must be asked for each caller who looks up names of a directory. */
static u64 asked(const struct pst_chain *chain, const struct inode *dir)
{
	return chain->by_caller.all & filter_node_filters(&pst_i(dir)->filter);
}

/* Checks if one of them must be asked about the name that @d has while its count is seq. */
static bool asked_for_name(const struct pst_chain *chain, const struct dentry *d, unsigned int seq,
			   const struct inode *dir)
{
	unsigned int len = READ_ONCE(d->d_name.len);
	const char *name = READ_ONCE(d->d_name.name);

	/* The name may only be read if it and the length belong together. */
	return read_seqcount_retry(&d->d_seq, seq) ||
	       pst_names_asked(&chain->by_caller, dir, chain->by_caller.all, name, len) ||
	       read_seqcount_retry(&d->d_seq, seq);
}

bool pst_is_by_caller(const struct pst_chain *chain, const struct inode *dir)
{
	return chain && asked(chain, dir);
}

/* ---- the table --------------------------------------------------------------------------- */

static atomic64_t *freed(const struct pst_chain *chain, const struct dentry *d)
{
	return &chain->verdicts->freed[hash_ptr(d, FREED_BITS)];
}

static void fill_key(const struct pst_chain *chain, const struct dentry *d, unsigned int seq,
		     struct verdict_key *key)
{
	key->freed = atomic64_read(freed(chain, d));
	key->dentry = d;
	key->seq = seq;
	pst_caller_fill(pst_sb(d->d_sb)->filters, chain->by_caller.want_cgroup, &key->caller);
}

static struct kept_verdict *entry_of(const struct pst_chain *chain, const struct verdict_key *key)
{
	u64 mix = (unsigned long)key->dentry ^ (u64)key->caller.uid << 40 ^
		  (u64)key->caller.pid << 20;

	return &chain->verdicts->entry[hash_64(mix, TABLE_BITS)];
}

/* Compares all bytes. Each path step does, so it is inline. */
static inline bool is_same(const struct verdict_key *a, const struct verdict_key *b)
{
	const u64 *x = (const u64 *)a, *y = (const u64 *)b;
	u64 differ = 0;

	BUILD_BUG_ON(sizeof(*a) % sizeof(*x));
	for (size_t i = 0; i < sizeof(*a) / sizeof(*x); i++)
		differ |= x[i] ^ y[i];
	return !differ;
}

/* Returns the kept verdict, or -ECHILD. Called under RCU. */
static int kept(const struct pst_chain *chain, const struct verdict_key *key)
{
	const struct kept_verdict *v = entry_of(chain, key);
	unsigned int turn = smp_load_acquire(&v->turn);
	int result = READ_ONCE(v->result);

	if (turn & 1 || !is_same(&v->key, key))
		return -ECHILD;
	smp_rmb();
	return READ_ONCE(v->turn) == turn ? result : -ECHILD;
}

/* Keeps a verdict, unless another task writes to the same entry. */
static void keep(const struct pst_chain *chain, const struct verdict_key *key, int result)
{
	struct kept_verdict *v = entry_of(chain, key);
	unsigned int turn = READ_ONCE(v->turn);

	if (turn & 1 || cmpxchg(&v->turn, turn, turn + 1) != turn)
		return;
	WRITE_ONCE(v->result, result);
	v->key = *key;
	smp_store_release(&v->turn, turn + 2);
}

/*
 * A dentry is about to be freed. A chain that is not in force yet cannot have a verdict on it,
 * because that takes a reference to the dentry.
 */
void pst_caller_forget(const struct dentry *d)
{
	const struct pst_chain *chain;

	rcu_read_lock();
	chain = rcu_dereference(pst_sb(d->d_sb)->by_caller);
	if (chain)
		atomic64_inc(freed(chain, d));
	rcu_read_unlock();
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

static int ask(const struct pst_chain *chain, struct inode *dir, struct inode *inode,
	       const char *name)
{
	struct slot *slot = pst_call_begin(&chain->by_caller, FUSE_LOOKUP, dir);
	struct filter_call *call = slot->call;
	struct pst_attr attr;
	int err;

	call->filters = asked(chain, dir);
	call->name[0] = name;
	if (inode)
		pst_fill_attr(inode, &attr);
	err = apply_found(call, 0, inode ? &pst_i(inode)->filter : NULL, inode ? &attr : NULL);
	pst_call_end(dir, slot);
	return err;
}

/* In RCU walk: returns 1 if this task may see the name; an error, which is the answer; -ECHILD. */
int pst_caller_check_rcu(const struct pst_chain *chain, struct dentry *d, unsigned int flags)
{
	unsigned int seq = raw_seqcount_begin(&d->d_seq);
	const struct inode *dir = d_inode_rcu(READ_ONCE(d->d_parent)), *inode = d_inode_rcu(d);
	struct verdict_key key __uninitialized;
	int result;

	if (!dir)
		return -ECHILD;
	if (!asked(chain, dir))
		return 1;
	if (!can_keep(inode))
		return -ECHILD;
	if (!asked_for_name(chain, d, seq, dir))
		return 1;
	fill_key(chain, d, seq, &key);
	result = kept(chain, &key);
	/* The answer to an operation that creates the name may need to sleep. */
	if (result && flags & (LOOKUP_CREATE | LOOKUP_RENAME_TARGET))
		return -ECHILD;
	return result ? result : 1;
}

/* Asks the filters by caller about a name of a directory, and keeps the verdict if it can. */
static int ask_and_keep(const struct pst_chain *chain, struct dentry *d, const struct pst_place *at)
{
	struct inode *dir = d_inode(at->parent);
	bool keeps = can_keep(at->inode) && !(asked(chain, dir) & ~chain->by_caller.hides);
	struct verdict_key key __uninitialized;
	int err;

	if (keeps)
		fill_key(chain, d, at->seq, &key);
	err = ask(chain, dir, at->inode, at->name.name.name);
	if (keeps && (!err || err == -ENOENT))
		keep(chain, &key, err);
	return err;
}

/*
 * Asks the filters by caller about a dentry to which the task has a reference. Returns 0, or an
 * error, which is the answer for this task.
 */
int pst_caller_check(struct dentry *d, unsigned int flags)
{
	struct pst_chain *chain = pst_chain_get(pst_sb(d->d_sb));
	struct pst_place at;
	int err = 0;

	if (chain) {
		pst_place_get(d, &at);
		if (asked(chain, d_inode(at.parent)))
			err = pst_caller_error(ask_and_keep(chain, d, &at), d_inode(at.parent),
					       flags);
		pst_place_put(&at);
	}
	pst_chain_put(chain);
	return err;
}
