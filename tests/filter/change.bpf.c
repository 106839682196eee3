// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Changes everything that a filter may change in a call: arguments, results, names, the first and
 * last byte of data.
 */
#include <penstock/filter.bpf.h>

PST_FILTER(0, "changes calls");

PST_PRE(setattr, call)
{
	if (call->in.setattr.valid & FATTR_MODE)
		call->in.setattr.mode &= ~0111;
	call->cell++;
	return PST_PASS;
}

PST_POST(getattr, call)
{
	call->out.attr.attr.uid = call->caller.uid;
	return PST_PASS;
}

PST_PRE(write, call)
{
	__u32 last = call->data_len - 1;

	if (last >= pst_data_size)
		return -EINVAL;
	call->data[0] = '<';
	call->data[last] = '>';
	return PST_PASS;
}

PST_NAME(call)
{
	call->name[0].text[0] = 'X';
	return PST_PASS;
}
