// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* Refuses opens after they succeeded, or changes the flags of the caller. */
#include <penstock/filter.bpf.h>

PST_FILTER(0, "meddles with opening");

PST_OPTION(__u32, refuse, "refuse, when all is done: this errno");
PST_OPTION(__u32, add, "add these flags");
PST_OPTION(__u32, drop, "take these flags away");

PST_PRE(open, call)
{
	call->in.open.flags |= add;
	call->in.open.flags &= ~drop;
	return PST_PASS;
}

PST_PRE(create, call)
{
	call->in.create.flags |= add;
	call->in.create.flags &= ~drop;
	return PST_PASS;
}

PST_POST(open, call)
{
	return -(int)refuse;
}
PST_POST(opendir, call)
{
	return -(int)refuse;
}
PST_POST(create, call)
{
	return -(int)refuse;
}
PST_POST(tmpfile, call)
{
	return -(int)refuse;
}
