// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Refuses to open its files for writing and to change their attributes, and gives them the
 * attribute user.guarded. It does not apply to files named "free*".
 */
#include "shown-xattr.h"

PST_FILTER(0, "guards files");

PST_NAME(call)
{
	if (pst_text_is(call->name[0].text, "free", 4))
		call->child.held = 0;
	return PST_PASS;
}

PST_PRE(open, call)
{
	return call->in.open.flags & 3 ? -EPERM : PST_PASS;
}

PST_PRE(setattr, call)
{
	return -EPERM;
}

PST_PRE(getxattr, call)
{
	if (!pst_name_is(call, 0, "user.guarded"))
		return PST_PASS;
	return answer_xattr(call, "yes", 3);
}
