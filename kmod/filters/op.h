/* SPDX-License-Identifier: GPL-2.0-only */
/* An operation on an inode of the view with the programs of filters, see op.c. */
#ifndef PENSTOCK_OP_H
#define PENSTOCK_OP_H

#include "penstock.h"

#include <penstock/filter.h>

#include <linux/highuid.h>

struct filter_call;
struct slot;

/* The result of pst_before(): a program has answered, so nothing is done below. */
#define PST_OP_DONE 3

struct pst_op {
	const struct chain *chain;    /* of a pst_chain, with a reference; NULL: no filter sees the
				      operation, and no other member counts */
	u64 filters;                  /* that see the operation */
	struct inode *inode, *inode2; /* inode2: of call->node2, or NULL */
	u32 opcode;

	/* The caller sets these, or leaves them zero, and in: */
	void *aux;           /* for peek() in call.c */
	const char *name[2]; /* after pst_before() as programs have changed them ... */
	const void *data;    /* ... as the data of the request */
	size_t data_len;
	void *out;    /* the result, op->result_size bytes, if it has one */
	void *answer; /* the data of the answer, in a buffer of @room bytes */
	size_t answer_len, room;
	const struct pst_attr *found; /* of the file under the name */
	struct inode *made;           /* gets the filters that hold for the name, if keep is set */
	bool keep;                    /* the state of the call is used after pst_before() */
	bool may_act;                 /* other IDs of the caller are used: pst_op_cred() */

	/* pst_before() sets these: */
	bool serve;               /* a program has answered PST_SERVE */
	bool changed, acts;       /* programs have changed in, or the caller's IDs ... */
	u32 uid, gid;             /* ... which are these */
	int refused;              /* the result of checking the names */
	struct filter_call *call; /* the state of the call while it is in no slot */
	char *copy;               /* of the data of the request */

	union pst_in in; /* the argument; after pst_before() as programs left it */
};

void pst_op_init(struct pst_op *op, const struct chain *chain, struct inode *inode,
		 struct inode *inode2, u32 opcode);
bool pst_op_asks(struct pst_op *op, struct inode *inode, struct inode *inode2, u32 opcode);
int pst_before(struct pst_op *op);
int pst_op_after(struct pst_op *op, int r);
struct cred *pst_mounter_cred(const struct super_block *sb, kuid_t uid, kgid_t gid);
struct cred *pst_op_cred(const struct pst_op *op);
struct slot *pst_op_slot(const struct pst_op *op);
void pst_delay(u32 us);
int pst_op_bad(const struct pst_op *op, bool before, const char *what);

/*
 * Checks if filters see an operation on inode (and inode2). Begins @op, which pst_after() ends; if
 * not, it stays empty.
 */
static inline bool pst_asks2(struct pst_op *op, struct inode *inode, struct inode *inode2,
			     u32 opcode)
{
	op->chain = NULL;
	return unlikely(READ_ONCE(pst_sb(inode->i_sb)->asked) >> opcode & 1) &&
	       pst_op_asks(op, inode, inode2, opcode);
}

static inline bool pst_asks(struct pst_op *op, struct inode *inode, u32 opcode)
{
	return pst_asks2(op, inode, NULL, opcode);
}

/*
 * Runs the programs after an operation on its result: 0, an error, or what pst_before() has
 * returned. Returns the new result. Frees what the operation holds.
 */
static inline int pst_after(struct pst_op *op, int r)
{
	return unlikely(op->chain) ? pst_op_after(op, r) : r;
}

/* The IDs that programs see: those of the first user namespace, which has all of the kernel. */
static inline u32 pst_uid_of(kuid_t uid)
{
	return likely(uid_valid(uid)) ? __kuid_val(uid) : overflowuid;
}

static inline u32 pst_gid_of(kgid_t gid)
{
	return likely(gid_valid(gid)) ? __kgid_val(gid) : overflowgid;
}

/* shown.c */
void pst_fill_lower_attr(const struct inode *inode, struct fuse_attr *ret_attr);
int pst_show_result(struct inode *inode, struct pst_seen *seen, u64 asked,
		    const struct fuse_attr *attr);
bool pst_kept_shown(const struct pst_op *op, struct kstat *stat);

/* call-name.c */
void pst_filter_give(struct filter_call *call, struct inode *dir, struct inode *inode);

/* op-attr.c */
void pst_fill_fuse_attr(const struct kstat *stat, struct fuse_attr *ret_attr);
const char *pst_filter_get_link(struct pst_op *op, struct dentry *dentry,
				struct delayed_call *done);
int pst_filter_getattr(struct pst_op *op, const struct path *path, struct kstat *stat, u32 mask,
		       unsigned int flags);
int pst_filter_setattr(struct pst_op *op, struct dentry *dentry, struct iattr attr);

/* The number by which programs know an open file. */
static inline u64 pst_fh(const struct file *file)
{
	return (unsigned long)file->private_data;
}

#endif
