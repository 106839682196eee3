/* SPDX-License-Identifier: GPL-2.0-only */
/* The filters of a view. */
#ifndef PENSTOCK_FILTERS_H
#define PENSTOCK_FILTERS_H

#include "penstock.h"

#include <linux/bpf.h>
#include <linux/percpu-refcount.h>

#include "filter/call.h"

/* The runs of a program on a CPU. */
struct pst_count {
	unsigned long runs;
	unsigned long errors;   /* the program chose an error */
	unsigned long answered; /* the program answered the operation */
	unsigned long bad;      /* the result was refused */
};

/* A filter: the programs that the loader has handed over, and what it said of them. */
struct filter {
	refcount_t refs;           /* of chains, and of the context that has taken it over */
	struct filter_facts facts; /* its strings are in said */
	struct chain_entry entry;
	struct bpf_map *map;        /* of the slots; the programs hold it */
	void *said;                 /* the value of the parameter */
	struct dentry *at;          /* the lower file of at=, with a reference; NULL: the root */
	struct filter_node at_node; /* for entry.at: no node of the view */
	uint32_t serve;             /* enum module_serve */
	struct bpf_prog *program[_FILTER_KINDS][OP_MAX];
	struct pst_count __percpu *count[_FILTER_KINDS][OP_MAX];
	atomic_t n_bad; /* runs whose result was refused */
};

/*
 * A call in the memory that programs can reach. The state of the operation is in call, which the
 * operation keeps when it gives the slot back to go on in the lower file system, see op.c.
 */
struct slot {
	unsigned long busy; /* bit 0 */
	struct pst_call *memory;
	unsigned int number;
	struct filter_call *call; /* never NULL */
};

/* Filters that are in force together, see chain.c. Constant. */
struct pst_chain {
	struct percpu_ref ref; /* of operations, as long as the chain is in force */
	struct completion drained;
	struct chain core;
	struct chain fresh;        /* the filter that the chain before it did not have */
	struct chain by_caller;    /* the filters by caller with programs for names */
	struct verdicts *verdicts; /* NULL: there are none of those */
	u64 gone;                  /* bits of the filters that the chain after it does not have */
	struct llist_node late;    /* in pst_filters.late */
	bool fixed_names; /* programs say the same of a name in all operations, see lookup.c */
	/* See serve.c: */
	u64 serves;        /* the filters that the second tree has, too */
	u64 held;          /* of these, those that hold for the files that it serves ... */
	struct chain data; /* ... they alone */
	u64 asks;          /* those that can return PST_SERVE */
	bool serves_all;   /* a filter runs in the second tree only, for all files */
};

/* Memory and numbers that the filters of a view use. Constant once the view has a chain. */
struct pst_filters {
	struct bpf_map *map; /* of the slots; NULL: there was no filter yet */
	unsigned int n_slots;
	struct slot **slot;
	wait_queue_head_t wait; /* for a slot that is not busy */
	atomic64_t last_nodeid;
	atomic64_t used;              /* the bits that inodes can have */
	struct llist_head late;       /* chains that operations still have, although not in force */
	const struct cred *cred;      /* of the task that mounted the view */
	struct pid_namespace *pid_ns; /* of the task that mounted the view */
};

/* The cells of an inode for some filters, and those for further ones. */
struct pst_cells {
	struct pst_cells *next;
	port_atomic_u64 cell[7];
};

/* The filters that the parameters of a context have handed over. */
struct pst_filter_list {
	unsigned int n;
	struct filter *filter[PST_MAX_FILTERS];
};

/* filters.c */
int pst_filters_add(struct fs_context *fc, struct pst_filter_list *list, const void *value,
		    size_t size);
void pst_filters_drop(struct pst_filter_list *list);
int pst_filters_start(struct pst_sb *s, const struct pst_filter_list *list);
void pst_filter_put(struct filter *f);
port_atomic_u64 *pst_cell(struct pst_inode *pi, unsigned int bit, bool make);

/* attach.c */
int pst_attach(struct fs_context *fc, const struct pst_sb *s, struct filter *f);
void pst_detach_filters(struct pst_chain *chain);
void pst_attached_inherit(struct filter_call *call, const struct inode *inode);
int pst_attached_check(const struct pst_chain *chain, const struct pst_name_op *op);

/* chain.c */
void pst_chain_put_in_force(struct pst_sb *s, struct pst_chain *chain);
void pst_chain_pick(const struct chain *chain, u64 filters, struct chain *ret_part);
int pst_chain_new(struct filter *const *filters, unsigned int n, struct pst_chain **ret_chain);
void pst_chain_free(struct pst_chain *chain);
struct pst_chain *pst_chain_get_from(struct pst_chain __rcu *const *at);

static inline struct pst_chain *pst_chain_of(const struct chain *core)
{
	return container_of((struct chain *)core, struct pst_chain, core);
}

static inline void pst_chain_put(struct pst_chain *chain)
{
	if (chain)
		percpu_ref_put(&chain->ref);
}

/* slots.c */
int pst_slots_check(struct fs_context *fc, struct filter *f, struct bpf_prog *prog);
int pst_slots_make(struct pst_filters *filters, struct bpf_map *map);
void pst_slots_free(struct pst_filters *filters);
struct slot *pst_slot_get(struct pst_filters *filters);
void pst_slot_put(struct pst_filters *filters, struct slot *slot);
struct filter_call *pst_call_new(const struct pst_filters *filters, gfp_t flags);
void pst_call_free(struct filter_call *call);
void pst_slot_swap(struct slot *slot, struct filter_call **call);

/* caller.c */
int pst_caller_prepare(struct pst_chain *chain);
void pst_caller_fill(const struct pst_filters *filters, u64 want_cgroup, struct pst_caller *caller);
int pst_caller_check_rcu(const struct pst_chain *chain, struct dentry *d, unsigned int flags);
bool pst_is_by_caller(const struct pst_chain *chain, const struct inode *dir);

/* lookup.c */

/* The name of a dentry in a directory at a time. */
struct pst_place {
	struct dentry *parent;
	struct name_snapshot name;
	struct inode *inode; /* of the dentry, which keeps it */
	unsigned int seq;    /* of the dentry */
};
void pst_place_get(struct dentry *d, struct pst_place *ret_place);
void pst_place_put(struct pst_place *place);
u64 pst_names_asked(const struct chain *chain, const struct inode *dir, u64 filters,
		    const char *name, size_t len);
int pst_filter_lookup(const struct pst_chain *chain, struct inode *dir, struct dentry *dentry);
int pst_filter_recheck(struct dentry *d, unsigned int flags);
int pst_filter_found(const struct pst_chain *chain, struct dentry *dentry, struct inode *inode);
bool pst_filter_predict(const struct pst_chain *chain, struct inode *dir, const char *name);
void pst_fill_entry(const struct inode *inode, struct fuse_entry_out *out);

/* hold.c */
void pst_hold_root(const struct chain *chain, struct inode *root);
void pst_hold_path(const struct chain *chain, struct dentry *d, u32 change);
void pst_hold_inode(const struct chain *chain, struct inode *inode, u32 change);

/* change.c */
int pst_filters_change(struct fs_context *fc, struct filter *new, const char *gone,
		       struct pst_chain **ret_old);
void pst_filters_change_end(struct fs_context *fc, struct pst_chain *old);
void pst_serve_end_unused(struct super_block *sb);

/* serve.c */
void pst_serve_prepare(struct pst_chain *chain);
bool pst_can_ask(const struct filter *f);
bool pst_serve_may_ask(const struct pst_chain *chain, const struct inode *dir);
struct dentry *pst_serve_dir(struct dentry *dir);
struct dentry *pst_serve_lookup(struct dentry *dentry);
struct dentry *pst_serve_follow(const struct dentry *dentry);
bool pst_serve_is_same(const struct dentry *dentry, const struct dentry *l);
struct inode *pst_serve_found(const struct pst_chain *chain, struct dentry *dentry,
			      struct inode *inode);
bool pst_serve_is_other(const struct pst_chain *chain, const struct dentry *d,
			const struct pst_place *at, bool asked);

/* Checks if a filter for whose files the second tree is holds for an inode. */
static inline bool pst_serve_holds(const struct pst_chain *chain, const struct inode *inode)
{
	return chain && filter_node_filters(&pst_i(inode)->filter) & chain->held;
}

/* serve-name.c */
int pst_serve_asked(struct pst_name_op *op);

/* The names of an operation, which the VFS has looked up, for filter_host.peek(). */
struct pst_called {
	bool unlocked; /* a LOOKUP without the lock of the directory */
	struct dentry *dentry[2];
	struct inode *inode[2];  /* their files; NULL: the view shows none */
	struct pst_attr attr[2]; /* of these, or of hidden ones; mode is 0 if there is no file */
};

/* call.c */
extern const struct filter_host pst_filter_host;
void pst_fill_attr(const struct inode *inode, struct pst_attr *ret_attr);
void pst_fill_attr_below(const struct super_block *sb, const struct inode *l,
			 struct pst_attr *ret_attr);
struct slot *pst_call_begin(const struct chain *chain, u32 opcode, struct inode *dir);
void pst_call_end(struct inode *dir, struct slot *slot);
int pst_call_bad(const struct chain *chain, u64 filters, enum filter_kind kind, u32 opcode,
		 const char *what);

/* trace.c */
void pst_trace_event(struct filter_call *call, const struct chain_entry *entry,
		     enum filter_kind kind, const struct pst_event *event, int error);
void pst_trace_result(const struct filter_call *call, int error);

static inline struct inode *pst_inode_of(struct filter_node *node)
{
	return &container_of(node, struct pst_inode, filter)->vfs;
}

/*
 * Returns the filters of a chain that no operation has to ask now: they only report events, and
 * nobody reads the events of the view.
 */
static inline u64 pst_unread(const struct chain *chain, const struct inode *inode, u32 opcode)
{
	u64 silent = chain->reports & ~chain->names;

	/* Read or not, no file may leave the tree that a filter is attached to. */
	if (opcode == FUSE_LINK || opcode == FUSE_RENAME2)
		silent &= ~chain->attached;
	return silent && !pst_trace_is_read(pst_sb(inode->i_sb)) ? silent : 0;
}

/* Returns the filters of a chain with programs that may change the attributes that files show. */
static inline u64 pst_showing(const struct chain *chain)
{
	return chain->post[FUSE_GETATTR] & ~chain->reports;
}

static inline struct pst_filters *pst_filters_of(const struct inode *inode)
{
	return pst_sb(inode->i_sb)->filters;
}

#endif
