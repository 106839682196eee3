// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* Its program before LOOKUP does not find the name "hide". */
#include <penstock/filter.bpf.h>

PST_FILTER(0, "does not find the name \"hide\"");

PST_PRE(lookup, call)
{
	return pst_name_is(call, 0, "hide") ? -ENOENT : PST_PASS;
}
