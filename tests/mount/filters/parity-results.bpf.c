// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* Post programs that change the results of operations. There are no pre programs here. */
#include <penstock/filter.bpf.h>

PST_FILTER(0, "changes what operations come to");

PST_POST(lookup, call)
{
	if (pst_name_is(call, 0, "absent-is-no-memory"))
		return call->error == -ENOENT ? -ENOMEM : -EXDEV;
	if (pst_name_is(call, 0, "file1"))
		return call->error ? -EXDEV : -ENOENT;
	if (pst_name_is(call, 0, "file2"))
		return call->error ? -EXDEV : PST_PASS;
	if (pst_name_is(call, 0, "file3"))
		return call->error == -ENOENT ? PST_PASS : -EXDEV;
	/* PST_DONE for an absent file is a fault, because the filter cannot make up an entry. */
	if (pst_name_is(call, 0, "made-up"))
		return PST_DONE;
	return PST_PASS;
}

PST_POST(mkdir, call)
{
	return call->error == -EEXIST ? -EPERM : PST_PASS;
}

PST_POST(rmdir, call)
{
	/* Turns an error into a success. */
	return call->error == -ENOTEMPTY ? PST_DONE : PST_PASS;
}

PST_POST(unlink, call)
{
	return call->error ? PST_PASS : -EBUSY;
}
