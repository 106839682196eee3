// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs the programs before and after an operation on an inode of the view.
 *
 * A caller asks pst_asks() if filters see the operation, fills op.in and the other members, calls
 * pst_before(), runs the operation on the lower file system, and calls pst_after(). In between the
 * operation has no slot, because the lower file system may wait. The state of the call is kept in
 * op->call, and goes back into a slot for the programs after the operation.
 */
#include "filters/filters.h"
#include "filters/op.h"

#include <linux/cred.h>
#include <linux/hrtimer.h>

#include "filter/apply.h"
#include "filter/call-fill.h"
#include "filter/name-check.h"

#define MAX_DELAY_US 60000000u

/* Begins an operation under a chain. It takes over a reference to the chain. */
void pst_op_init(struct pst_op *op, const struct chain *chain, struct inode *inode,
		 struct inode *inode2, u32 opcode)
{
	memset(op, 0, offsetof(struct pst_op, in));
	op->chain = chain;
	op->inode = inode;
	op->inode2 = inode2;
	op->opcode = opcode;
	op->filters = chain_asked(chain, opcode, &pst_i(inode)->filter,
				  inode2 ? &pst_i(inode2)->filter : NULL) &
		      ~pst_unread(chain, inode, opcode);
	/* Those that see data run in the second tree. */
	if (pst_is_served(inode))
		op->filters &= ~pst_chain_of(chain)->serves;
}

bool pst_op_asks(struct pst_op *op, struct inode *inode, struct inode *inode2, u32 opcode)
{
	struct pst_chain *chain = pst_chain_get(pst_sb(inode->i_sb));

	if (!chain)
		return false;
	pst_op_init(op, &chain->core, inode, inode2, opcode);
	if (op->filters)
		return true;
	op->chain = NULL;
	pst_chain_put(chain);
	return false;
}

/* ---- data and results -------------------------------------------------------------------- */

/* Copies the data that programs have left in the slot. The operation then uses the copy. */
static int take_data(struct pst_op *op, const struct filter_call *call)
{
	char *copy = kvmalloc(call->data_len + 1, GFP_KERNEL_ACCOUNT);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, call->slot->data, call->data_len);
	copy[call->data_len] = '\0';
	/* Another program may have written to the slot after the core has checked the text. */
	if (call_has_text(call->op) && strlen(copy) != call->data_len) {
		kvfree(copy);
		return -EIO;
	}
	op->copy = copy;
	op->data = copy;
	op->data_len = call->data_len;
	return 0;
}

/* Returns the size of op->out. For an extended attribute, op->out has the size of the value. */
static size_t out_size(const struct filter_call *call)
{
	return call->op->result_size ? call->op->result_size : sizeof(struct fuse_getxattr_out);
}

/* Copies the result that programs have made or changed from the slot to the operation. */
static void take_result(struct pst_op *op, const struct filter_call *call)
{
	if (op->out)
		memcpy(op->out, &call->saved->out, out_size(call));
	if (!op->answer)
		return;
	op->answer_len = min_t(size_t, call->answer_len, op->room);
	memcpy(op->answer, call->slot->data, op->answer_len);
}

/* Copies the result of the operation to the slot, for the programs after it. */
static void give_result(const struct pst_op *op, struct filter_call *call)
{
	if (op->out) {
		call->out_len = out_size(call);
		memcpy(&call->saved->out, op->out, call->out_len);
	}
	if (!op->answer)
		return;
	call->answer_len = min_t(size_t, op->answer_len, call->slot_room);
	memcpy(call->slot->data, op->answer, call->answer_len);
}

/* ---- before ------------------------------------------------------------------------------ */

/* Waits as long as filters want, or until the task is killed. */
void pst_delay(u32 us)
{
	ktime_t time = ns_to_ktime((u64)min(us, MAX_DELAY_US) * NSEC_PER_USEC);

	if (!us)
		return;
	set_current_state(TASK_KILLABLE);
	schedule_hrtimeout(&time, HRTIMER_MODE_REL);
}

/* Begins the call of an operation in a slot. */
struct slot *pst_op_slot(const struct pst_op *op)
{
	struct slot *slot = pst_call_begin(op->chain, op->opcode, op->inode);
	struct filter_call *call = slot->call;

	call->aux = op->aux;
	call->type = op->inode->i_mode & S_IFMT;
	if (op->inode2) {
		call->node2 = &pst_i(op->inode2)->filter;
		call->type2 = op->inode2->i_mode & S_IFMT;
	}
	call->filters = op->filters;
	/* The close of a file has no caller, as in the FUSE engine. */
	if (call->op->flags & OP_CLOSES)
		call->caller = (struct pst_caller){};
	call->arg = &op->in;
	call->name[0] = op->name[0];
	call->name[1] = op->name[1];
	/* No file system takes a value that is longer than a slot. */
	call->data = (char *)op->data; /* moved, not changed */
	call->data_len = min_t(size_t, op->data_len, call->slot_room);
	return slot;
}

/* Reports that a program has changed what the module cannot change. Returns -EIO. */
int pst_op_bad(const struct pst_op *op, bool before, const char *what)
{
	u64 asked = (before ? op->chain->pre : op->chain->post)[op->opcode] & op->filters;

	return pst_call_bad(op->chain, asked, before ? FILTER_PRE : FILTER_POST, op->opcode, what);
}

/*
 * Checks the caller's IDs, which programs may have changed. The lower file system is called with
 * the credentials of the task, so only operations with may_act can use other IDs.
 */
static int check_caller(const struct pst_op *op, const struct filter_call *call)
{
	if ((call->caller.uid == call->uid && call->caller.gid == call->gid) || op->may_act)
		return 0;
	return pst_op_bad(op, true, "changed the caller, which has no effect on this operation");
}

/* Runs the programs before the operation in its slot. */
static int run_before(struct pst_op *op, struct filter_call *call)
{
	int r = call_fill_save(call);

	op->refused = r ? r : name_check_call(call);
	if (!r)
		r = apply_before(call, op->refused);
	if (!r)
		r = check_caller(op, call);
	op->serve = call->serve;
	if (!r && op->serve && !call->op->n_entries)
		r = pst_op_bad(op, true, "returned PST_SERVE for a file that is not served");
	if (!r && call->op->data_max && call->chain->pre[call->opcode] & call->filters)
		r = take_data(op, call);
	if (r == APPLY_DONE)
		take_result(op, call);
	op->changed = memcmp(&call->saved->cur, &call->saved->orig, call->op->arg_size) != 0;
	op->acts = call->caller.uid != call->uid || call->caller.gid != call->gid;
	op->uid = call->caller.uid;
	op->gid = call->caller.gid;
	memcpy(&op->in, &call->saved->cur, call->op->arg_size);
	op->name[0] = call->name[0];
	op->name[1] = call->name[1];
	return r;
}

/* Returns true if programs must run before the operation, or its attributes must be read. */
static bool asks_before(const struct pst_op *op, const struct op *row)
{
	return (op->chain->pre[op->opcode] & op->filters) || row->n_entries ||
	       (row->flags & OP_CHANGES && op->chain->want_attr & op->filters);
}

/* Returns true if the programs after the operation, or a trace, need the state of the call. */
static bool needs_state(const struct pst_op *op, const struct op *row)
{
	return op->keep || pst_trace_is_read(pst_sb(op->inode->i_sb)) ||
	       op->chain->post[op->opcode] & op->filters ||
	       (op->chain->pre[op->opcode] & op->filters && (row->n_call_names || row->data_max));
}

/*
 * Runs the programs before an operation that pst_asks() has answered with true. Returns 0 to go on
 * with op->in, op->name and op->data; PST_OP_DONE if a program has answered, with the answer in
 * op->out and op->answer; or an error. pst_after() has to be called in all cases, with the result.
 */
int pst_before(struct pst_op *op)
{
	struct pst_filters *filters = pst_filters_of(op->inode);
	const struct op *row = op_find(op->opcode);
	struct slot *slot;
	bool keep;
	u32 us;
	int r;

	if (!asks_before(op, row))
		return 0;
	keep = needs_state(op, row);
	/* A close cannot fail, and its programs undo what those for the open have done. */
	op->call = keep ? pst_call_new(filters, row->flags & OP_CLOSES ? __GFP_NOFAIL : 0) : NULL;
	if (keep && !op->call) {
		op->filters = 0;
		return -ENOMEM;
	}
	slot = pst_op_slot(op);
	r = run_before(op, slot->call);
	us = slot->call->delay_us;
	if (keep)
		pst_slot_swap(slot, &op->call);
	pst_call_end(op->inode, slot);
	pst_delay(us);
	return r;
}

/* ---- after ------------------------------------------------------------------------------- */

/* Fills a slot for the programs after an operation that had no program before it. */
static int begin_after(const struct pst_op *op, struct filter_call *call)
{
	int r = call_fill_save(call);

	if (!r)
		r = name_check_call(call);
	if (r)
		return r;
	call_fill(call, true);
	call->ran = call->filters;
	return 0;
}

/* Fills the slot again for the programs after the operation. */
static void fill_again(const struct pst_op *op, struct filter_call *call)
{
	call_fill_again(call, op->refused == 0);
	/* If the operation was refused, op->data is the caller's, and may be shorter. */
	if (call->op->data_max)
		memcpy(call->slot->data, op->data, min(call->data_len, op->data_len));
}

static int run_after(struct pst_op *op, struct filter_call *call, bool begun, int r)
{
	int err = 0;

	if (begun)
		fill_again(op, call);
	else
		err = begin_after(op, call);
	if (err)
		return err;
	if (!r)
		give_result(op, call);
	r = apply_after(call, r, op->found, NULL);
	if (!r)
		take_result(op, call);
	return r;
}

int pst_op_after(struct pst_op *op, int r)
{
	struct pst_filters *filters = pst_filters_of(op->inode);
	bool begun = op->call, asks = op->chain->post[op->opcode] & op->filters;
	struct slot *slot;

	if (r == PST_OP_DONE)
		r = 0;
	if (asks && begun)
		asks = apply_asks_after(op->call);
	slot = !asks ? NULL : begun ? pst_slot_get(filters) : pst_op_slot(op);
	if (slot) {
		if (begun)
			pst_slot_swap(slot, &op->call);
		r = run_after(op, slot->call, begun, r);
		pst_trace_result(slot->call, r);
		if (begun)
			pst_slot_swap(slot, &op->call);
		pst_call_end(op->inode, slot);
	} else if (begun) {
		pst_trace_result(op->call, r);
	}
	if (!r && op->made && op->call)
		pst_filter_give(op->call, op->inode, op->made);
	pst_call_free(op->call);
	kvfree(op->copy);
	pst_chain_put(pst_chain_of(op->chain));
	op->chain = NULL;
	return r;
}

/* ---- acting for others ------------------------------------------------------------------- */

/*
 * Returns the credentials of the task that mounted the view, with other IDs. Limits still apply to
 * the caller: quota, and blocks that are reserved for root. The caller must put_cred() them.
 * Returns NULL if there is no memory.
 */
struct cred *pst_mounter_cred(const struct super_block *sb, kuid_t uid, kgid_t gid)
{
	const struct cred *old = override_creds(pst_sb(sb)->filters->cred);
	struct cred *cred = prepare_creds();

	revert_creds(old);
	if (!cred)
		return NULL;
	cred->fsuid = uid;
	cred->fsgid = gid;
	if (!capable(CAP_SYS_RESOURCE))
		cap_lower(cred->cap_effective, CAP_SYS_RESOURCE);
	return cred;
}

/*
 * Returns credentials for an operation that a filter allows although the caller may not do it, with
 * the IDs of the caller or the IDs that a program has set.
 */
struct cred *pst_op_cred(const struct pst_op *op)
{
	return pst_mounter_cred(op->inode->i_sb, KUIDT_INIT(op->uid), KGIDT_INIT(op->gid));
}
