/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Why the verifier refused a program, found in its log. */
#include <stdbool.h>

struct reason {
	char text[160];   /* the verifier's words */
	char source[120]; /* the line of C */
	char where[64];   /* " (FILE:LINE)", which newer kernels say; or "" */
};

/* False: the log has none. */
bool reason_find(const char *log, struct reason *ret_reason);
/* What it usually comes from; NULL: not known. */
const char *reason_hint(const struct reason *reason);
