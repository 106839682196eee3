/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Runs the filters that hold for an operation (call->filters). An engine calls call_fill_save(),
 * name_check_call(), apply_before(), then carries out the operation, and calls apply_after().
 */
#include "filter/call.h"

/* apply_before(): a filter has answered, so the operation must not be carried out. */
#define APPLY_DONE 3

/*
 * Runs the pre programs, unless names, the result of name_check_call(), is an error. Between the
 * two an engine locks what the operation changes: it must not look below for names that were not
 * checked. Returns 0 to go on with what the programs have changed; -errno, which is the answer; or
 * APPLY_DONE, with the answer in call->saved->out and slot->data, except for SETATTR, which the
 * engine then answers with the attributes of the file. In all cases the engine waits for
 * call->delay_us.
 */
int apply_before(struct filter_call *call, int names);

/*
 * Runs the program of entry, the only filter to run, before LOOKUP on the names first to
 * first + n - 1 of a listing in the slot. The names before *ret_at pass; the result, as that of
 * apply_before(), is that of *ret_at.
 */
int apply_before_lookups(struct filter_call *call, struct chain_entry *entry, unsigned int first,
			 unsigned int n, unsigned int *ret_at);

/*
 * Checks the name of a LOOKUP with the result r once its file is known: node and attr, NULL if the
 * name is absent. Returns r, or -errno if a filter refuses the name.
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
