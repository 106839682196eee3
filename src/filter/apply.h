/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * An operation on its way through the filters that hold for it (call->filters): names, programs
 * before, the operation, programs after.
 */
#include "filter/call.h"

/* apply_before(): the answer is there, the operation is not to be run. */
#define APPLY_DONE 3

/* Asks about the names. Returns 0 or -errno. call_fill_save() comes first. */
int apply_names(struct filter_call *call);

/*
 * Runs the programs before the operation, unless names, which apply_names() returned, is an error.
 * Between the two an engine locks what the operation changes: before the names are checked it must
 * not look up what is under them. 0: go on, with what the programs have changed; -errno: that is
 * the answer; APPLY_DONE: the answer is in call->saved->out and slot->data. SETATTR is answered by
 * the engine then, with what the attributes are. In all cases call->delay_us says how long to wait.
 */
int apply_before(struct filter_call *call, int names);

/*
 * Runs the program of entry, the only filter to ask, before LOOKUP on names first to first + n - 1
 * of a listing in the slot. Names before *ret_at pass; the return value, as that of apply_before(),
 * is about *ret_at.
 */
int apply_before_lookups(struct filter_call *call, struct chain_entry *entry, unsigned int first,
			 unsigned int n, unsigned int *ret_at);

/*
 * LOOKUP has come to r: asks about the name, now that it is known what it leads to. node and attr:
 * what was found, or NULL. Returns r, or the errno that the name is refused with.
 */
int apply_found(struct filter_call *call, int r, struct filter_node *node,
		const struct pst_attr *attr);

/* Returns whether there are programs after the operation to run. */
static inline bool apply_asks_after(const struct filter_call *call)
{
	return call->ran & call->chain->post[call->opcode];
}

/*
 * Runs the programs after the operation on the result r, which is in call->saved->out and
 * slot->data; found, after: see call_fill_result(). Returns what the result becomes. LOOKUP of a
 * name that is absent is 0 without found.
 */
int apply_after(struct filter_call *call, int r, const struct pst_attr *found,
		const struct pst_node *after);
