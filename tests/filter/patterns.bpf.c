// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* Returns a verdict whose bits say which of two lists of names have name[0]. */
#include <penstock/filter.bpf.h>

PST_FILTER(0, "matches two lists");

PST_OPTION(struct pst_names, first, "names");
PST_OPTION(struct pst_names, second, "more names");

PST_NAME(call)
{
	return pst_names_match(&first, call, 0) | pst_names_match(&second, call, 0) << 1;
}
