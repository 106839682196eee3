// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* Answers which of two lists of names has name[0], and takes the step of a list of paths. */
#include <penstock/filter.bpf.h>

PST_FILTER(PST_CELLS, "answers with lists");

PST_OPTION(struct pst_names, first, "names");
PST_OPTION(struct pst_names, second, "more names");
PST_OPTION(struct pst_paths, paths, "paths");

PST_NAME(call)
{
	call->child.cell = pst_paths_after(&paths, call->cell, call, 0);
	return pst_names_match(&first, call, 0) | pst_names_match(&second, call, 0) << 1;
}
