/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#pragma once
#include <penstock/filter.bpf.h>

/* Answers a GETXATTR with LEN bytes. The caller checks the name of the attribute. */
static __always_inline int answer_xattr(struct pst_call *call, const char *value, __u32 len)
{
	if (!call->in.getxattr.size) {
		call->out.getxattr.size = len;
		return PST_DONE;
	}
	__builtin_memcpy(call->data, value, len);
	call->data_len = len;
	return PST_DONE;
}
