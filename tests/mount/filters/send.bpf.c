// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Sends operations to the program of the view: those on names that begin with "ram", and those that
 * make, remove or rename names that begin with "made-", "gone-" or "moved-".
 */
#include <penstock/filter.bpf.h>

PST_FILTER(PST_SERVES, "sends operations to the program");

#define begins(CALL, I, WORD) pst_text_is((CALL)->name[I].text, WORD, sizeof(WORD) - 1)

PST_NAME(call)
{
	return begins(call, 0, "ram") ? PST_SERVE : PST_PASS;
}

#define MAKES(op)                                                                                  \
	PST_PRE(op, call)                                                                          \
	{                                                                                          \
		return begins(call, 0, "made-") ? PST_SERVE : PST_PASS;                            \
	}

MAKES(create)
MAKES(mknod)
MAKES(mkdir)
MAKES(symlink)
MAKES(link)

#define REMOVES(op)                                                                                \
	PST_PRE(op, call)                                                                          \
	{                                                                                          \
		return begins(call, 0, "gone-") ? PST_SERVE : PST_PASS;                            \
	}

REMOVES(unlink)
REMOVES(rmdir)

PST_PRE(rename, call)
{
	return begins(call, 0, "moved-") ? PST_SERVE : PST_PASS;
}
