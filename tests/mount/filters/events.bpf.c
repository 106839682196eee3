// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * For the tests of traces: reports events before and after SETATTR and OPEN, and refuses one mode.
 */
#include <penstock/filter.bpf.h>

PST_FILTER(0, "reports events");

PST_PRE(setattr, call)
{
	pst_event(call, "asked", call->in.setattr.mode & 0777, 7);
	return (call->in.setattr.mode & 0777) == 0666 ? -EROFS : PST_PASS;
}

PST_POST(setattr, call)
{
	pst_event(call, "done", call->in.setattr.mode & 0777, 0);
	return PST_PASS;
}

PST_PRE(open, call)
{
	pst_event(call, "open", 1, 2);
	return PST_PASS;
}
