// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Runs the filters that hold for an operation.
 *
 * Names come first: programs for names say which names there are, and what holds for their files.
 * Then programs before the operation, in the order of the chain; the first that does not let it
 * pass decides it. Then programs after it in the opposite order, of those filters only whose turn
 * had come before.
 *
 * A filter that fails, or leaves what cannot be, fails the one operation with EIO and is counted.
 */
#include "filter/apply.h"
#include "filter/call-fill.h"
#include "filter/call-validate.h"
#include "filter/name-check.h"
#include "filter/place.h"
#include "filter/run-program.h"

/* -- before ----------------------------------------------------------------------------------- */

static int pre_verdict(struct filter_call *call, const struct chain_entry *entry, int verdict)
{
	if (verdict == PST_SERVE)
		return run_program_bad(call, entry, FILTER_PRE,
				       "asks for a server, and this view has none");
	if (verdict < 0)
		return verdict;
	/* Nothing was changed, and the attributes are what they are. */
	if (call->opcode == FUSE_SETATTR)
		return APPLY_DONE;
	if (!call_validate_answer(call))
		return run_program_bad(call, entry, FILTER_PRE, "filled an answer that is none");
	return APPLY_DONE;
}

/* Turns the verdict of a program before the operation into the result of the operation. */
static int take_pre(struct filter_call *call, const struct chain_entry *entry, int verdict,
		    bool bad)
{
	if (verdict == 0 && !call_validate_request(call))
		return run_program_bad(call, entry, FILTER_PRE, "changed what it must not change");
	return verdict && !bad ? pre_verdict(call, entry, verdict) : verdict;
}

static int run_pre(struct filter_call *call)
{
	const struct chain *chain = call->chain;
	uint64_t asked = call->filters & chain->pre[call->opcode];
	bool bad;
	int r = 0;

	for (unsigned int i = 0; i < chain->n && r == 0; i++) {
		struct chain_entry *entry = chain->entries[i];

		if (asked >> entry->bit & 1) {
			r = run_program(call, entry, FILTER_PRE, &bad);
			r = take_pre(call, entry, r, bad);
			if (call->op->flags & OP_CLOSES)
				r = 0;
		}
		if (r == 0)
			call->ran |= call->filters & 1ULL << entry->bit;
	}
	return r;
}

/* Names that programs before the operation have put there are asked about like those that came. */
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
	/* Programs for names delay nothing. */
	call->delay_us = delay_us;
	call_fill_again(call, r == 0);
	return r;
}

int apply_names(struct filter_call *call)
{
	return name_check_call(call);
}

int apply_before(struct filter_call *call, int names)
{
	const struct chain *chain = call->chain;
	const struct op *op = call->op;
	bool asks_names = (chain->names & call->filters) && op->n_entries;
	int r;

	call_fill(call, names == 0);
	if (names < 0) {
		call->ran = call->filters & ~call->decided;
		return names;
	}
	/* The programs for names have seen the text of a link where it lies. */
	if (call_has_text(op) && !call_validate_request(call))
		return -EIO;
	r = asks_names && (chain->pre[call->opcode] & call->filters) ? run_pre_and_check(call) :
								       run_pre(call);
	/*
	 * The kernel shows the pages of a mapping, and spliced pages, to other callers as well.
	 * EACCES makes programs that splice read instead.
	 */
	if (r == 0 && op->answer == OP_ANSWER_CONTENT &&
	    !(call->saved->orig.read.read_flags & FUSE_READ_LOCKOWNER) &&
	    (chain->data & chain->by_caller & call->filters))
		r = -EACCES;
	/* Copying below would pass by the filters of the data. */
	if (r == 0 && op->fh2.len && (chain->data & call->filters))
		r = -EXDEV;
	return r;
}

int apply_before_lookups(struct filter_call *call, struct chain_entry *entry, unsigned int first,
			 unsigned int n, unsigned int *ret_at)
{
	bool bad;
	int r = call_fill_save(call);

	*ret_at = first;
	if (r < 0)
		return r;
	place_inherit(call, call->node);
	call_fill(call, true);
	r = run_program_lookups(call, entry, first, n, ret_at, &bad);
	return take_pre(call, entry, r, bad);
}

/* -- after ------------------------------------------------------------------------------------ */

/* Returns the result after a program's verdict. */
static int post_verdict(struct filter_call *call, const struct chain_entry *entry, int r,
			int verdict)
{
	if (verdict < 0)
		return verdict;
	if (verdict == PST_SERVE)
		return run_program_bad(call, entry, FILTER_POST,
				       "asks for a server when all is done");
	if (verdict == PST_DONE && r < 0) {
		/* An error becomes a success: the program has filled the answer. */
		if (!call_validate_answer(call))
			return run_program_bad(call, entry, FILTER_POST,
					       "filled an answer that is none");
		return 0;
	}
	if (r == 0 && !call_validate_result(call))
		return run_program_bad(call, entry, FILTER_POST, "changed what it must not change");
	return r;
}

static int run_post(struct filter_call *call, struct chain_entry *entry, int r,
		    const union pst_in *in)
{
	bool bad, kept;
	int verdict;

	call->error = call->slot->error = r;
	verdict = run_program(call, entry, FILTER_POST, &bad);
	/* Even if the program failed: the next filter must not be blamed for its changes. */
	kept = call_validate_unasked(call, in);
	if (bad)
		return -EIO;
	if (!kept)
		return run_program_bad(call, entry, FILTER_POST,
				       "changed what was asked for when it was done");
	return post_verdict(call, entry, r, verdict);
}

int apply_after(struct filter_call *call, int r, const struct pst_attr *found,
		const struct pst_node *after)
{
	const struct chain *chain = call->chain;
	uint64_t asked = call->ran & chain->post[call->opcode];
	bool absent = r == 0 && call->op->effect == OP_FINDS && !found;
	union pst_in in;

	if (!asked)
		return r;
	/* A name that is absent is an error to filters, whatever the kernel is told. */
	if (absent)
		r = -ENOENT;
	call_fill_result(call, r, found, after);
	in = call->slot->in;
	for (unsigned int i = chain->n; i-- > 0;)
		if (asked >> chain->entries[i]->bit & 1)
			r = run_post(call, chain->entries[i], r, &in);
	return absent && r == -ENOENT ? 0 : r;
}

/* -- LOOKUP ------------------------------------------------------------------------------------ */

/*
 * A node that the kernel knows was found. By another of its names, it may be: then programs are
 * told what they know of it by that, and a filter that holds by one holds by all. If the file
 * has one name only, that name decides: somebody below has renamed it.
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
	call_fill(call, checked == 0);
	if (checked == 0)
		return r;
	call->ran &= ~call->decided;
	return checked;
}
