// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Sends an event "before" and an event "after" each operation in "ops", with its id and the error
 * so far. Can refuse these operations before or after they run.
 */
#include <penstock/filter.bpf.h>

PST_FILTER(0, "says when it runs");

PST_OPTION(__u32, id, "the number in its events");
PST_OPTION(__u32, before, "errno that it answers before the operation; 0: none");
PST_OPTION(__u32, after, "errno that it answers after the operation; 0: none");
PST_OPTION(struct pst_names, ops, "operations that it tells of");

PST_PRE(any, call)
{
	if (!pst_op_match(&ops, call))
		return PST_PASS;
	pst_event(call, "before", id, call->error);
	return -before;
}

PST_POST(any, call)
{
	if (!pst_op_match(&ops, call))
		return PST_PASS;
	pst_event(call, "after", id, -call->error);
	return -after;
}
