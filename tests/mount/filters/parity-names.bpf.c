// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* Changes the "a-" at the beginning of a name to "b-", in all operations that take names. */
#include <penstock/filter.bpf.h>

PST_FILTER(0, "changes the names of operations");

static __always_inline int change(struct pst_call *call)
{
	for (__u32 i = 0; i < 2; i++)
		if (i < call->n_names && call->name[i].text[0] == 'a' &&
		    call->name[i].text[1] == '-')
			call->name[i].text[0] = 'b';
	return PST_PASS;
}

PST_PRE(lookup, call)
{
	return change(call);
}
PST_PRE(create, call)
{
	return change(call);
}
PST_PRE(mkdir, call)
{
	return change(call);
}
PST_PRE(mknod, call)
{
	return change(call);
}
PST_PRE(symlink, call)
{
	return change(call);
}
PST_PRE(link, call)
{
	return change(call);
}
PST_PRE(unlink, call)
{
	return change(call);
}
PST_PRE(rmdir, call)
{
	return change(call);
}
PST_PRE(rename, call)
{
	return change(call);
}
