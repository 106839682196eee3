/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Checks of programs that compare a view with its lower directory. The program sets lower and view,
 * and its main() returns failed.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char *lower, *view;
static bool failed;

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

/* Prints the result of a check for guest.sh. */
static void report(const char *name, bool good, int line)
{
	int error = errno;

	if (good)
		printf("ok %s\n", name);
	else
		printf("not ok %s: line %d, errno %d (%s)\n", name, line, error, strerror(error));
	failed = failed || !good;
}
#define CHECK(NAME, CONDITION) (errno = 0, report(NAME, CONDITION, __LINE__))
