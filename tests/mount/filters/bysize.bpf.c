// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* Hides files larger than 1000 bytes, whatever their names are. */
#include <penstock/filter.bpf.h>

PST_FILTER(PST_WANT_CHILD, "hides large files");

PST_NAME(call)
{
	return (call->child.attr.mode & S_IFMT) == S_IFREG && call->child.attr.size > 1000 ?
		       -ENOENT :
		       PST_PASS;
}
