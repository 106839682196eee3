// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* Changes names that begin with "a-" to begin with "b-", in every operation that has names. */
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

#define CHANGE(OP)                                                                                 \
	PST_PRE(OP, call)                                                                          \
	{                                                                                          \
		return change(call);                                                               \
	}

CHANGE(lookup)
CHANGE(create)
CHANGE(mkdir)
CHANGE(mknod)
CHANGE(symlink)
CHANGE(link)
CHANGE(unlink)
CHANGE(rmdir)
CHANGE(rename)
