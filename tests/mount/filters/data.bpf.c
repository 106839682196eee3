// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Changes reads and writes of files whose names begin with "data", and of files in directories with
 * such names. The option "what" says how:
 *
 *	swap		the lower file has upper and lower case exchanged
 *	short		a read returns at most 5 bytes
 */
#include <penstock/filter.bpf.h>

#ifdef CACHED
PST_FILTER(PST_CELLS | PST_CACHEABLE, "changes data, whoever asks");
#else
PST_FILTER(PST_CELLS, "changes data");
#endif

PST_OPTION(char, what[24], "what is changed");
PST_OPTION(_Bool, all, "whatever the name is");

#define is(WORD) pst_text_is(what, WORD, sizeof(WORD))

PST_NAME(call)
{
	call->child.cell = all || call->cell || pst_text_is(call->name[0].text, "data", 4);
	if (!call->child.cell && !pst_child_may_be_dir(call))
		call->child.held = 0;
	return PST_PASS;
}

/* The name did not say whether the file is a directory; after the lookup its mode does. */
PST_POST(lookup, call)
{
	if (!call->error && !S_ISDIR(call->child.attr.mode) && !call->child.cell)
		call->child.held = 0;
	return PST_PASS;
}

PST_DATA_FN(swap, block, len, at, aux)
{
	for (int i = 0; i < PST_BLOCK; i++) {
		char c = block[i] & ~0x20;

		if (c >= 'A' && c <= 'Z')
			block[i] ^= 0x20;
	}
	return 0;
}

PST_POST(read, call)
{
	if (call->error)
		return PST_PASS;
	if (is("swap"))
		pst_data_each(call, swap, NULL);
	if (is("short") && call->data_len > 5)
		call->data_len = 5;
	return PST_PASS;
}

PST_PRE(write, call)
{
	if (is("swap"))
		pst_data_each(call, swap, NULL);
	return PST_PASS;
}
