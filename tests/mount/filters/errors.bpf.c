// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * For the mount tests: refuses operations that have succeeded. The name says which:
 *
 *	no-open*	opening fails with EPERM, after the lower file was opened
 *	no-*		making it fails with EDQUOT, after it was made
 */
#include <penstock/filter.bpf.h>

PST_FILTER(PST_CELLS, "refuses what has succeeded");

#define NO_OPEN 1

#define begins(CALL, I, WORDS) pst_text_is((CALL)->name[I].text, WORDS, sizeof(WORDS) - 1)

PST_NAME(call)
{
	call->child.cell = begins(call, 0, "no-open") ? NO_OPEN : 0;
	return PST_PASS;
}

PST_POST(open, call)
{
	return call->cell == NO_OPEN ? -EPERM : PST_PASS;
}

PST_POST(opendir, call)
{
	return call->cell == NO_OPEN ? -EPERM : PST_PASS;
}

static __always_inline int made(const struct pst_call *call, __u32 i)
{
	return !call->error && begins(call, i, "no-") ? -EDQUOT : PST_PASS;
}

PST_POST(create, call)
{
	return made(call, 0);
}

PST_POST(mkdir, call)
{
	return made(call, 0);
}

PST_POST(mknod, call)
{
	return made(call, 0);
}

PST_POST(symlink, call)
{
	return made(call, 0);
}

PST_POST(link, call)
{
	return made(call, 0);
}

PST_POST(rename, call)
{
	return made(call, 1);
}
