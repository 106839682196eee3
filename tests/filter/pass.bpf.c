// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Passes operations, and returns for some a verdict that says which program ran, from general to
 * specific.
 */
#include <penstock/filter.bpf.h>

PST_FILTER(PST_BY_CALLER | PST_WANT_CGROUP, "passes everything");

PST_PRE(getattr, call)
{
	return PST_PASS;
}

PST_PRE(any, call)
{
	return -1;
}

PST_PRE(changes, call)
{
	return -2;
}

PST_PRE(rename, call)
{
	return -3;
}

PST_POST(write, call)
{
	return PST_DONE;
}

PST_NAME(call)
{
	return call->name[0].text[0] == '.' ? -ENOENT : PST_PASS;
}
