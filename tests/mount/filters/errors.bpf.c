// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Refuses operations after they succeeded, by name:
 *
 *	no-open*	OPEN and OPENDIR fail with EPERM
 *	no-*		operations that create the name fail with EDQUOT
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

#define MADE(OP, I)                                                                                \
	PST_POST(OP, call)                                                                         \
	{                                                                                          \
		return !call->error && begins(call, I, "no-") ? -EDQUOT : PST_PASS;                \
	}

MADE(create, 0)
MADE(mkdir, 0)
MADE(mknod, 0)
MADE(symlink, 0)
MADE(link, 0)
MADE(rename, 1)
