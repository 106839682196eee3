// SPDX-License-Identifier: LGPL-2.1-or-later
/* mount-view LOWER TARGET [SPEC...]: mounts a view of the kernel engine with filters. */
#include "kernel/view.h"

#include <stdio.h>

int main(int argc, char **argv)
{
	struct pst_error error = { 0 };

	if (argc < 3) {
		fprintf(stderr, "usage: mount-view LOWER TARGET [SPEC...]\n");
		return 2;
	}
	if (kernel_view_mount(argv[1], argv[2], (const char *const *)argv + 3,
			      (unsigned int)argc - 3, &error) == 0)
		return 0;
	fprintf(stderr, "mount-view: %s\n", error.text);
	return 1;
}
