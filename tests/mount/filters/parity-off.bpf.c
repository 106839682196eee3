// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Refuses to change the attributes of its files. It does not apply to new files, and no longer to
 * files that a lookup finds by the name "free".
 */
#include <penstock/filter.bpf.h>

PST_FILTER(0, "excludes new files");

PST_PRE(setattr, call)
{
	return -EPERM;
}

static __always_inline int off(struct pst_call *call)
{
	call->child.held = 0;
	return PST_PASS;
}

#define OFF(OP)                                                                                    \
	PST_POST(OP, call)                                                                         \
	{                                                                                          \
		return off(call);                                                                  \
	}

OFF(create)
OFF(mkdir)
OFF(mknod)
OFF(symlink)

PST_POST(lookup, call)
{
	return pst_name_is(call, 0, "free") ? off(call) : PST_PASS;
}
