/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The second tree of a view of the kernel engine: a FUSE view of the same LOWER that is mounted
 * nowhere. It runs the filters that see data, because no program sees data in the kernel.
 */
#include <penstock/penstock.h>

#include <stdbool.h>

struct kernel_second {
	struct pst_view_options options; /* of the FUSE view; strings are those of the view */
	const char **filters;            /* those that see data; owned */
};

/*
 * Finds the filters of a view that see data. Returns their number, or -errno with *error if the
 * object of a filter cannot be opened. In both cases *ret_second is for kernel_second_fini().
 */
int kernel_second_find(const struct pst_view_options *options, struct kernel_second *ret_second,
		       struct pst_error *error);
void kernel_second_fini(struct kernel_second *second);

/* Returns 1 if the filter of this spec sees data, 0, or -errno with *error. */
int kernel_second_needs(const char *spec, struct pst_error *error);
