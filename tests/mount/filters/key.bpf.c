// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* Hides the names that end in ".key". The kernel verifies it much faster than the filter hide. */
#include <penstock/filter.bpf.h>

PST_FILTER(PST_HIDES, "hides names that end in .key");

PST_NAME(call)
{
	__u32 n = call->name[0].len;

	if (n < 4 || n >= PST_NAME_SIZE)
		return PST_PASS;
	return pst_text_is(call->name[0].text + n - 4, ".key", 5) ? -ENOENT : PST_PASS;
}
