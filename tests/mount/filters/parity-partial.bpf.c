// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* Answers reads of the first page of every file itself; the file provides the others. */
#include <penstock/filter.bpf.h>

PST_FILTER(0, "answers for the first page");

PST_DATA_FN(fill, block, len, at, aux)
{
	__builtin_memset(block, 'b', PST_BLOCK);
	return 0;
}

PST_PRE(read, call)
{
	if (call->in.read.offset || call->in.read.size > 4096)
		return PST_PASS;
	call->data_len = call->in.read.size;
	pst_data_each(call, fill, NULL);
	return PST_DONE;
}
