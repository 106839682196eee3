// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Refuses to change the attributes of its files, and takes itself off new files, and off files that
 * are looked up by the name "free".
 */
#include <penstock/filter.bpf.h>

PST_FILTER(0, "takes itself off what is made");

PST_PRE(setattr, call)
{
	return -EPERM;
}

static __always_inline int off(struct pst_call *call)
{
	call->child.held = 0;
	return PST_PASS;
}

PST_POST(create, call)
{
	return off(call);
}
PST_POST(mkdir, call)
{
	return off(call);
}
PST_POST(mknod, call)
{
	return off(call);
}
PST_POST(symlink, call)
{
	return off(call);
}

PST_POST(lookup, call)
{
	return pst_name_is(call, 0, "free") ? off(call) : PST_PASS;
}
