// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* Passes every operation, before and after it, except reads and writes. */
#include <penstock/filter.bpf.h>

PST_FILTER(0, "lets everything pass");

PST_PRE(any, call)
{
	return PST_PASS;
}

PST_POST(any, call)
{
	return PST_PASS;
}
