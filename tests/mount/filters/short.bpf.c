// SPDX-License-Identifier: LGPL-2.1-or-later
/* Makes reads of files with a page cache return fewer bytes than the size that stat(2) reports. */
#include <penstock/filter.bpf.h>

PST_FILTER(PST_CACHEABLE, "gives less than was asked for");

PST_OPTION(__u32, ask, "bytes that a read asks for at most; 0: all") = 0;
PST_OPTION(__u32, give, "bytes that a read gives at most; 0: all") = 0;

PST_PRE(read, call)
{
	if (ask && call->in.read.size > ask)
		call->in.read.size = ask;
	return PST_PASS;
}

PST_POST(read, call)
{
	if (!call->error && give && call->data_len > give)
		call->data_len = give;
	return PST_PASS;
}
