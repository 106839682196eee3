// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* Breaks one rule for reads and writes; the option "what" names it. */
#include <penstock/filter.bpf.h>

PST_FILTER(0, "does to data what it may not");

PST_OPTION(char, what[24], "what it does");

#define is(WORD) pst_text_is(what, WORD, sizeof(WORD))

PST_POST(read, call)
{
	if (is("read-long"))
		call->data_len = call->data_size + 1;
	return PST_PASS;
}

PST_PRE(write, call)
{
	if (is("write-fh"))
		call->in.write.fh++;
	if (is("write-long"))
		call->data_len = call->data_size + 1;
	return PST_PASS;
}

PST_POST(write, call)
{
	if (is("write-more"))
		call->out.write.size++;
	return PST_PASS;
}
