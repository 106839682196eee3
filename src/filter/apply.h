/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Runs the filters that apply to an operation (call->filters). An engine calls call_fill_save(),
 * name_check_call() and apply_before(), then carries out the operation, and calls apply_after().
 */
#include "filter/call.h"

/* apply_before() returns this if a filter has made the reply, so the operation must not run. */
#define APPLY_DONE 3

/*
 * Runs the pre programs, unless names, the result of name_check_call(), is an error. Between the
 * two calls an engine locks the file that the operation changes, because it must not look up names
 * that were not checked. Returns 0 if the operation goes on with the changes of the programs;
 * -errno, which is the reply; or APPLY_DONE, with the reply in call->saved->out and slot->data. To
 * a SETATTR the engine then replies with the attributes of the file. In all cases the engine waits
 * for call->delay_us.
 */
int apply_before(struct filter_call *call, int names);

/*
 * Runs the program of entry, the only filter to run, before LOOKUP on the names first to
 * first + n - 1 of a listing in the slot. All names before *ret_at pass. Returns the result for the
 * name *ret_at, as apply_before() does.
 */
int apply_before_lookups(struct filter_call *call, struct chain_entry *entry, unsigned int first,
			 unsigned int n, unsigned int *ret_at);

/*
 * Checks the name of a LOOKUP again after the operation has found its file; r is the result of the
 * operation. node and attr are the file's, or NULL if the name is absent. Returns r, or -errno if a
 * filter refuses the name.
 */
int apply_found(struct filter_call *call, int r, struct filter_node *node,
		const struct pst_attr *attr);

/* Returns whether there are post programs to run. */
static inline bool apply_asks_after(const struct filter_call *call)
{
	return call->ran & call->chain->post[call->opcode];
}

/*
 * Runs the post programs on the result r, which is in call->saved->out and slot->data. found and
 * after are those of call_fill_result(). Returns the new result. The result of a LOOKUP of an
 * absent name is 0 with found NULL.
 */
int apply_after(struct filter_call *call, int r, const struct pst_attr *found,
		const struct pst_node *after);
