/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Paths of files in LOWER and in the view. The program sets lower and view. */
#include <stdio.h>

static const char *lower, *view;

/* Returns BASE/NAME in memory that the eighth call after this one uses again. */
static const char *path(const char *base, const char *name)
{
	static char bufs[8][4200];
	static int i;
	char *p = bufs[i++ % 8];

	snprintf(p, sizeof(bufs[0]), "%s/%s", base, name);
	return p;
}
#define L(NAME) path(lower, NAME)
#define V(NAME) path(view, NAME)
