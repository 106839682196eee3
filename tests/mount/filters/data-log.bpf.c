// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* Sends an event before every read and write (offset, size) and after every read (error, size). */
#include <penstock/filter.bpf.h>

PST_FILTER(0, "tells of reads and writes");

PST_PRE(read, call)
{
	pst_event(call, "read", call->in.read.offset, call->in.read.size);
	return PST_PASS;
}

PST_POST(read, call)
{
	pst_event(call, "got", -call->error, call->data_len);
	return PST_PASS;
}

PST_PRE(write, call)
{
	pst_event(call, "write", call->in.write.offset, call->data_len);
	return PST_PASS;
}
