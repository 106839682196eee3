// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* A lookup of folder1 finds folder2, and the filter does not apply to the found directory. */
#include <penstock/filter.bpf.h>

PST_FILTER(0, "shows one directory for another");

PST_PRE(lookup, call)
{
	if (pst_name_is(call, 0, "folder1")) {
		call->name[0].text[6] = '2';
		call->child.held = 0;
	}
	return PST_PASS;
}

PST_PRE(open, call)
{
	return -EACCES;
}
