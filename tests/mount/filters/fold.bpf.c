// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* Makes the view of a tree case-insensitive, if all names of the tree are in lower case. */
#include <penstock/filter.bpf.h>

PST_FILTER(0, "case makes no difference");

static __always_inline void fold(struct pst_name *name)
{
	for (int i = 0; i < 64; i++) {
		char c = name->text[i];

		if (!c)
			break;
		if (c >= 'A' && c <= 'Z')
			name->text[i] = c - 'A' + 'a';
	}
}

PST_PRE(any, call)
{
	if (call->n_names)
		fold(&call->name[0]);
	if (call->n_names > 1)
		fold(&call->name[1]);
	return PST_PASS;
}
