// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Refuses "refused*", hides "hidden*" and finds plain0 for "other*", in its program before LOOKUP.
 * It has no program for names, so listings have to ask this program, too.
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
