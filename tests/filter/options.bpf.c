// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* Has an option of each type, and writes the values to its events. */
#include <penstock/filter.bpf.h>

PST_FILTER(PST_CELLS, "shows its options");

PST_OPTION(__u8, u8, "an integer of one byte") = 7;
PST_OPTION(__s8, s8, "one with a sign") = -7;
PST_OPTION(__u16, u16, "two bytes");
PST_OPTION(__s32, s32, "four bytes");
PST_OPTION(__u32, u32, "four bytes") = 100;
PST_OPTION(__u64, u64, "eight bytes");
PST_OPTION(__s64, s64, "eight bytes");
PST_OPTION(_Bool, flag, "yes or no");
PST_OPTION(char, text[8], "a short text") = "short";
PST_OPTION(struct pst_ids, ids, "numbers");
PST_OPTION(struct pst_errno, error, "an error");

PST_PRE(getattr, call)
{
	call->event[0].value[0] = u8;
	call->event[0].value[1] = s8;
	call->event[1].value[0] = u16;
	call->event[1].value[1] = s32;
	call->event[2].value[0] = u32;
	call->event[2].value[1] = u64;
	call->event[3].value[0] = s64;
	call->event[3].value[1] = flag;
	for (int i = 0; i < 8; i++)
		call->event[0].what[i] = text[i];
	call->cell = ids.n;
	call->cell2 = ids.range[0].from;
	call->child.cell = ids.range[0].to;
	call->delay_us = error.number;
	return PST_PASS;
}
