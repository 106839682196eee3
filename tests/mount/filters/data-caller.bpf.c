// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* Only root reads the content of files; other users read as many '-'. */
#include <penstock/filter.bpf.h>

PST_FILTER(PST_BY_CALLER, "shows data to root only");

PST_DATA_FN(fill, block, len, at, aux)
{
	__builtin_memset(block, '-', PST_BLOCK);
	return 0;
}

PST_POST(read, call)
{
	if (!call->error && call->caller.uid)
		pst_data_each(call, fill, NULL);
	return PST_PASS;
}
