// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* Gives every file that it applies to the attribute user.attached. It has no program for names. */
#include <penstock/filter.bpf.h>

PST_FILTER(0, "shows what it holds for");

PST_PRE(getxattr, call)
{
	if (!pst_name_is(call, 0, "user.attached"))
		return PST_PASS;
	if (!call->in.getxattr.size) {
		call->out.getxattr.size = 3;
		return PST_DONE;
	}
	__builtin_memcpy(call->data, "yes", 3);
	call->data_len = 3;
	return PST_DONE;
}
