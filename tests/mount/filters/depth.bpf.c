// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Counts in its cell how many directories lie between a file and the directory that the filter is
 * attached to, and shows the number as the attribute user.depth. A file named "zero" starts again
 * at 0. The filter does not apply to files named "free*" and the files in them.
 */
#include "shown-xattr.h"

PST_FILTER(PST_CELLS, "counts how deep a file is");

PST_NAME(call)
{
	if (pst_text_is(call->name[0].text, "free", 4))
		call->child.held = 0;
	call->child.cell = pst_name_is(call, 0, "zero") ? 0 : call->cell + 1;
	return PST_PASS;
}

PST_PRE(getxattr, call)
{
	char depth;

	if (!pst_name_is(call, 0, "user.depth"))
		return PST_PASS;
	depth = '0' + call->cell;
	return answer_xattr(call, &depth, 1);
}
