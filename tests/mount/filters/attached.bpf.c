// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* Gives every file that it applies to the attribute user.attached. It has no program for names. */
#include "shown-xattr.h"

PST_FILTER(0, "shows what it holds for");

PST_PRE(getxattr, call)
{
	if (!pst_name_is(call, 0, "user.attached"))
		return PST_PASS;
	return answer_xattr(call, "yes", 3);
}
