/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Checks of a view. The main() of the program returns failed. */
#include "paths.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool failed;

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
