// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * mount-view LOWER TARGET [SPEC...]: mounts a view of the kernel engine with filters, and
 * with locks=lower if the variable LOCKS is set.
 */
#include "kernel/view.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	struct pst_error error = { 0 };
	struct pst_view_options options = PST_VIEW_OPTIONS_INIT;
	unsigned int connection;

	if (argc < 3) {
		fprintf(stderr, "usage: mount-view LOWER TARGET [SPEC...]\n");
		return 2;
	}
	options.lower = argv[1];
	options.mountpoint = argv[2];
	options.locks = getenv("LOCKS") ? PST_LOCKS_LOWER : PST_LOCKS_LOCAL;
	options.filters = argc > 3 ? (const char *const *)argv + 3 : NULL;
	if (kernel_view_mount(&options, NULL, -1, &connection, &error) == 0)
		return 0;
	fprintf(stderr, "mount-view: %s\n", error.text);
	return 1;
}
