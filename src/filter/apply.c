// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Runs the filters that apply to an operation. No locks; filter/call.h explains why values are
 * copied before they are checked.
 *
 * First the programs for names decide which names exist, and which filters apply to their files.
 * Then the pre programs run in the order of the chain, until one of them refuses the operation or
 * makes its reply. After the operation the post programs of the filters before that one run in the
 * opposite order.
 *
 * A filter that fails, or leaves invalid values, makes this one operation fail with EIO and is
 * counted.
 */
#include "filter/apply.h"
#include "filter/call-fill.h"
#include "filter/call-validate.h"
#include "filter/name-check.h"
#include "filter/place.h"
#include "filter/run-program.h"

/* -- before ----------------------------------------------------------------------------------- */

static int refuse_answer(struct filter_call *call, const struct chain_entry *entry,
			 enum filter_kind kind)
{
	return run_program_bad(call, entry, kind,
			       "returned PST_DONE with an invalid result, or for an operation "
			       "whose result only the view can make");
}

/* Turns the verdict of a pre program into the result of apply_before(). */
static int take_pre(struct filter_call *call, const struct chain_entry *entry, int verdict)
{
	if (verdict < 0)
		return verdict;
	if (verdict == PST_PASS)
		return call_validate_request(call) ?
			       0 :
			       run_program_bad(call, entry, FILTER_PRE,
					       "changed what it must not change");
	/* A program for SETATTR makes no reply: the engine replies with the current attributes. */
	if (call->opcode != FUSE_SETATTR && !call_validate_answer(call))
		return refuse_answer(call, entry, FILTER_PRE);
	return APPLY_DONE;
}

static int run_pre(struct filter_call *call)
{
	const struct chain *chain = call->chain;
	uint64_t asked = call->filters & chain->pre[call->opcode];
	int r = 0;

	for (unsigned int i = 0; i < chain->n && r == 0; i++) {
		struct chain_entry *entry = chain->entries[i];

		if (asked >> entry->bit & 1) {
			r = take_pre(call, entry, run_program(call, entry, FILTER_PRE));
			if (call->op->flags & OP_CLOSES)
				r = 0;
		}
		if (r == 0)
			call->ran |= call->filters & 1ULL << entry->bit;
	}
	return r;
}

/* Runs the pre programs, and checks the names that they have changed like those of the request. */
static int run_pre_and_check(struct filter_call *call)
{
	uint32_t delay_us;
	int r;

	call->names_changed = false;
	r = run_pre(call);
	if (r != 0 || !call->names_changed)
		return r;
	delay_us = call->delay_us;
	r = name_check_call(call);
	/* Checking names has cleared the delay. */
	call->delay_us = delay_us;
	call_fill_again(call, r == 0);
	return r;
}

int apply_before(struct filter_call *call, int names)
{
	const struct chain *chain = call->chain;
	const struct op *op = call->op;
	bool asks_names = (chain->names & call->filters) && op->n_entries;
	int r;

	call_fill_before(call, names == 0);
	if (names < 0) {
		call->ran = call->filters & ~call->decided;
		return names;
	}
	/* The programs for names could change the text of a link, which is in the slot. */
	if (call_has_text(op) && !call_validate_request(call))
		return -EIO;
	r = asks_names && (chain->pre[call->opcode] & call->filters) ? run_pre_and_check(call) :
								       run_pre(call);
	/*
	 * The kernel also shows the pages of a mapping, and spliced pages, to other callers, so
	 * refuse such reads if the data depends on the caller. After EACCES, programs that splice
	 * call read(2) instead.
	 */
	if (r == 0 && op->answer == OP_ANSWER_CONTENT &&
	    !(call->saved->orig.read.read_flags & FUSE_READ_LOCKOWNER) &&
	    (chain->data & chain->by_caller & call->filters))
		r = -EACCES;
	/* The lower file system would copy the data without the filters that see data. */
	if (r == 0 && op->fh2.len && (chain->data & call->filters))
		r = -EXDEV;
	return r;
}

int apply_before_lookups(struct filter_call *call, struct chain_entry *entry, unsigned int first,
			 unsigned int n, unsigned int *ret_at)
{
	int r = call_fill_save(call);

	*ret_at = first;
	if (r < 0)
		return r;
	place_inherit(call, call->node);
	call_fill_before(call, true);
	return take_pre(call, entry, run_program_lookups(call, entry, first, n, ret_at));
}

/* -- after ------------------------------------------------------------------------------------ */

/*
 * Runs a post program on the result r of an operation with the argument *in. Returns the new
 * result.
 */
static int run_post(struct filter_call *call, struct chain_entry *entry, int r,
		    const union pst_in *in)
{
	int verdict;

	call->error = call->slot->error = r;
	verdict = run_program(call, entry, FILTER_POST);
	/*
	 * Restores the request for the next filter even if the program has failed, which has been
	 * reported. EIO may also be the verdict of a program that has not failed.
	 */
	if (!call_validate_unasked(call, in) && !call->failed)
		return run_program_bad(call, entry, FILTER_POST,
				       "changed the request after the operation");
	if (verdict < 0)
		return verdict;
	/* The program has replaced an error by a reply of its own. */
	if (verdict == PST_DONE && r < 0)
		return call_validate_answer(call) ? 0 : refuse_answer(call, entry, FILTER_POST);
	if (r == 0 && !call_validate_result(call))
		return run_program_bad(call, entry, FILTER_POST, "changed what it must not change");
	return r;
}

int apply_after(struct filter_call *call, int r, const struct pst_attr *found,
		const struct pst_node *after)
{
	const struct chain *chain = call->chain;
	uint64_t asked = call->ran & chain->post[call->opcode];
	bool absent = r == 0 && call->op->effect == OP_FINDS && !found;
	union pst_in in port_uninitialized;

	if (!asked)
		return r;
	/* To filters an absent name is an error; the kernel may get an entry to cache instead. */
	if (absent)
		r = -ENOENT;
	call_fill_result(call, r, found, after);
	port_fetch(&in, &call->slot->in, sizeof(in));
	for (unsigned int i = chain->n; i-- > 0;)
		if (asked >> chain->entries[i]->bit & 1)
			r = run_post(call, chain->entries[i], r, &in);
	return absent && r == -ENOENT ? 0 : r;
}

/* -- LOOKUP ------------------------------------------------------------------------------------ */

/*
 * Handles a LOOKUP that has found a node which the kernel knows, maybe by another name. If the file
 * has several names, programs see the cell that the node has so far (child.known_cell), and a
 * filter that applies by one name applies by all. If the file has only one name, another process
 * has renamed it, and the new name decides.
 */
static void found_known(struct filter_call *call, struct filter_node *node,
			const struct pst_attr *attr)
{
	call->seen = filter_node_filters(node);
	if (!(call->seen & FILTERS_SET))
		return;
	if (S_ISDIR(attr->mode) || attr->nlink == 1)
		call->only_name = true;
	else
		call->known = node;
}

int apply_found(struct filter_call *call, int r, struct filter_node *node,
		const struct pst_attr *attr)
{
	int checked;

	if ((r < 0 && r != -ENOENT) || !(call->chain->names & call->filters))
		return r;
	if (node)
		found_known(call, node, attr);
	checked = name_check(call, call->node, call->name[0], NAME_FIND, attr);
	call->known = NULL;
	call->delay_us = 0;
	/* The programs for names have seen other values in the slot. */
	if (call->chain->post[call->opcode] & call->filters)
		call_fill(call, checked == 0);
	if (checked == 0)
		return r;
	call->ran &= ~call->decided;
	return checked;
}
