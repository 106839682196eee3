/* SPDX-License-Identifier: GPL-2.0-only */
/* The filters of a view, for filters.c, slots.c, call.c and list.c. */
#ifndef PENSTOCK_FILTERS_H
#define PENSTOCK_FILTERS_H

#include "penstock.h"

#include <linux/bpf.h>

#include "filter/listing.h"

/* The runs of a program on a CPU. */
struct pst_count {
	unsigned long runs;
	unsigned long errors;   /* the program chose an error */
	unsigned long answered; /* the program answered the operation */
	unsigned long bad;      /* the result was refused */
};

/* A filter: the programs that the loader has handed over, and what it said of them. */
struct filter {
	struct filter_facts facts; /* its strings are in said */
	struct chain_entry entry;
	void *said; /* the value of the parameter */
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
	struct listing listing;   /* so that a listing allocates less */
};

/* The filters of a view. Constant once the view is mounted. */
struct pst_filters {
	unsigned int n;
	struct filter *filter[PST_MAX_FILTERS];
	struct chain *chain;
	struct bpf_map *map; /* of the slots; the programs hold it */
	unsigned int n_slots;
	struct slot **slot;
	wait_queue_head_t wait; /* for a slot that is not busy */
	atomic64_t last_nodeid;
	const struct cred *cred;      /* of the task that mounted the view */
	struct pid_namespace *pid_ns; /* of the task that mounted the view */
	/* Only set if there are filters by caller with programs for names: */
	struct chain *by_caller; /* they alone */
	struct verdicts *verdicts;
	bool fixed_names; /* programs say the same of a name in all operations, see call-name.c */
};

/* slots.c */
int pst_slots_check(struct fs_context *fc, struct pst_filters *filters, struct bpf_prog *prog);
int pst_slots_make(struct pst_filters *filters);
void pst_slots_free(struct pst_filters *filters);
struct slot *pst_slot_get(struct pst_filters *filters);
void pst_slot_put(struct pst_filters *filters, struct slot *slot);
struct filter_call *pst_call_new(const struct pst_filters *filters);
void pst_call_free(struct filter_call *call);
void pst_slot_swap(struct slot *slot, struct filter_call **call);

/* caller.c */
int pst_caller_prepare(struct pst_filters *filters, struct chain_entry **entries);
void pst_caller_free(struct pst_filters *filters);
void pst_caller_fill(const struct pst_filters *filters, u64 want_cgroup, struct pst_caller *caller);

/* The names of an operation, which the VFS has looked up, for filter_host.peek(). */
struct pst_called {
	struct dentry *dentry[2];
	struct inode *inode[2]; /* their files; NULL: there is none */
	struct pst_attr attr[2];
};

/* call.c */
extern const struct filter_host pst_filter_host;
void pst_fill_attr(const struct inode *inode, struct pst_attr *ret_attr);
struct slot *pst_call_begin(u32 opcode, struct inode *dir);
void pst_call_end(struct inode *dir, struct slot *slot);
int pst_call_bad(const struct chain *chain, u64 filters, enum filter_kind kind, u32 opcode,
		 const char *what);

/* trace.c */
void pst_trace_event(const struct filter_call *call, const struct chain_entry *entry,
		     enum filter_kind kind, const struct pst_event *event, int error);
void pst_trace_result(const struct filter_call *call, int error);

static inline struct inode *pst_inode_of(struct filter_node *node)
{
	return &container_of(node, struct pst_inode, filter)->vfs;
}

static inline struct pst_filters *pst_filters_of(const struct inode *inode)
{
	return pst_sb(inode->i_sb)->filters;
}

#endif
