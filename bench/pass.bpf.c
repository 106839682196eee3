// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* Lets everything pass, before every operation: what it costs to have a filter at all. */
#include <penstock/filter.bpf.h>

PST_FILTER(0, "lets everything pass");

PST_PRE(any, call)
{
	return PST_PASS;
}
