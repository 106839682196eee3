// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* User 1001 reads the text "1001" for every link of at least four characters. */
#include <penstock/filter.bpf.h>

PST_FILTER(PST_BY_CALLER, "shows links to one caller as others");

PST_POST(readlink, call)
{
	if (!call->error && call->data_len >= 4 && call->caller.uid == 1001) {
		__builtin_memcpy(call->data, "1001", 4);
		call->data_len = 4;
	}
	return PST_PASS;
}
