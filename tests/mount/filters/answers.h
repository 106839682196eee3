/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#pragma once
/*
 * Programs that change the results of GETXATTR, LISTXATTR and STATFS: user.none has a value that
 * the lower file lacks, user.long is cut, user.secret is not listed, and 42 blocks are free.
 */
#include <penstock/filter.bpf.h>

PST_POST(getxattr, call)
{
	char *value;

	if (pst_name_is(call, 0, "user.none") && call->error == -ENODATA) {
		call->out.getxattr.size = 4;
		call->data_len = 4;
		value = call->in.getxattr.size >= 4 ? pst_data(call, 0, 4) : NULL;
		if (value)
			__builtin_memcpy(value, "none", 4);
		return call->in.getxattr.size && !value ? -ERANGE : PST_DONE;
	}
	if (call->error || !pst_name_is(call, 0, "user.long"))
		return PST_PASS;
	if (call->in.getxattr.size)
		call->data_len = 3;
	return PST_PASS;
}

PST_XATTR_FN(secret, call, aux)
{
	return pst_name_is(call, 0, "user.secret") ? PST_DROP : PST_KEEP;
}

PST_POST(listxattr, call)
{
	if (!call->error && call->in.getxattr.size)
		pst_xattrs(call, secret, NULL);
	return PST_PASS;
}

PST_POST(statfs, call)
{
	call->out.statfs.st.bfree = 42;
	return PST_PASS;
}
