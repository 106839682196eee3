// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Shows each caller another tree: every file belongs to the caller, user 1002 does not find
 * "secret*", and only user 1001 may look up "only*"; other users get EACCES. With the option
 * "turned" user 1001 sees user 1000 as the owner of all files, and all others see root.
 */
#include <penstock/filter.bpf.h>

PST_FILTER(PST_BY_CALLER, "shows each caller something else");

PST_OPTION(_Bool, turned, "show other owners than the callers");

static __always_inline __u32 owner(const struct pst_call *call)
{
	if (!turned)
		return call->caller.uid;
	return call->caller.uid == 1001 ? 1000 : 0;
}

PST_NAME(call)
{
	if (call->caller.uid == 1002 && pst_text_is(call->name[0].text, "secret", 6))
		return -ENOENT;
	if (call->caller.uid != 1001 && pst_text_is(call->name[0].text, "only", 4))
		return -EACCES;
	return PST_PASS;
}

#define SHOW(OP, MEMBER)                                                                           \
	PST_POST(OP, call)                                                                         \
	{                                                                                          \
		if (!call->error)                                                                  \
			call->out.MEMBER.uid = owner(call);                                        \
		return PST_PASS;                                                                   \
	}

SHOW(lookup, entry.attr)
SHOW(getattr, attr.attr)
SHOW(statx, statx.stat)
SHOW(create, create.entry.attr)
