// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * For the mount ring: refuses, hides or replaces the looked-up file by its name; and what was asked
 * stands in events. No program for names: what LOOKUP says is all there is.
 */
#include <penstock/filter.bpf.h>

PST_FILTER(0, "decides at lookups");

#define begins(CALL, WITH) pst_text_is((CALL)->name[0].text, WITH, sizeof(WITH) - 1)

PST_PRE(lookup, call)
{
	if (begins(call, "refused"))
		return -EACCES;
	if (begins(call, "hidden"))
		return -ENOENT;
	if (begins(call, "other"))
		__builtin_memcpy(call->name[0].text, "plain0", 7);
	return PST_PASS;
}
