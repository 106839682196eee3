/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The second tree of a view of the kernel engine: a FUSE view of the same LOWER that is mounted
 * nowhere. It runs the filters that see data, because no program sees data in the kernel, and it
 * leads to the program that answers operations (struct pst_node_ops and its like).
 */
#include "ebpf/filter.h"
#include "kernel/module-abi.h"

#include <penstock/penstock.h>

#include <stdbool.h>

struct kernel_second {
	struct pst_view_options options; /* of the FUSE view; strings are those of the view */
	const char **filters;            /* those that the second tree runs; owned */
	bool has_program; /* a program answers operations, so it stays as long as the view */
	/* It serves all files, because the program can answer operations on all of them. */
	bool whole;
};

/* Returns the options of the second tree of a view with these options; it runs these filters. */
struct pst_view_options kernel_second_options(const struct pst_view_options *options,
					      const char *const *filters);
/*
 * Finds out if a view needs a second tree. Returns 1 if it does, 0, or -errno with *error if the
 * object of a filter cannot be opened. In all cases *ret_second is for kernel_second_fini().
 */
int kernel_second_find(const struct pst_view_options *options, struct kernel_second *ret_second,
		       struct pst_error *error);
void kernel_second_fini(struct kernel_second *second);
/* Fills *error with the reason for which a view needs its second tree. Returns -EOPNOTSUPP. */
int kernel_second_refuse(const struct kernel_second *second, struct pst_error *error);

/*
 * Returns 1 if the second tree has to run the filter of this spec, 0, or -errno with *error.
 * has_program: the program of the second tree answers operations if a filter returns PST_SERVE.
 */
int kernel_second_needs(const char *spec, bool has_program, struct pst_error *error);
/* Returns which files the second tree serves because of a filter for which it is needed. */
enum module_serve kernel_second_serves(const struct filter *filter);
