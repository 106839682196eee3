// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * same [--no-atime] [--no-blocks] [--no-btime] [--names] A B: compares two trees (see compare.h),
 * prints each difference and exits 1 when there was one. --names: no content and no extended
 * attributes.
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "compare.h"

static void say(void *aux, const char *path, const char *what)
{
	printf("%s: %s\n", path, what);
}

int main(int argc, char **argv)
{
	unsigned int flags = COMPARE_DATA | COMPARE_XATTR;
	int i = 1;

	for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
		if (strcmp(argv[i], "--no-atime") == 0)
			flags |= COMPARE_NO_ATIME;
		else if (strcmp(argv[i], "--no-blocks") == 0)
			flags |= COMPARE_NO_BLOCKS;
		else if (strcmp(argv[i], "--no-btime") == 0)
			flags |= COMPARE_NO_BTIME;
		else if (strcmp(argv[i], "--names") == 0)
			flags &= ~(COMPARE_DATA | COMPARE_XATTR);
		else
			errx(2, "unknown option %s", argv[i]);
	}
	if (argc - i != 2)
		errx(2, "usage: same [--no-atime] [--no-blocks] [--no-btime] [--names] A B");
	int a = open(argv[i], O_PATH | O_DIRECTORY), b = open(argv[i + 1], O_PATH | O_DIRECTORY);
	if (a < 0 || b < 0)
		err(2, "%s", argv[a < 0 ? i : i + 1]);
	return compare_tree(a, b, flags, say, NULL) != 0;
}
