/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Changes of the filters of a mounted view of the kernel engine. */
#include <penstock/penstock.h>

#include <stdbool.h>

/* Adds the filter of a SPEC (name is NULL), removes a filter (spec is NULL), or replaces it. */
struct kernel_change {
	const char *mountpoint;
	unsigned int connection; /* the view's device number, see mountinfo_connection() */
	const char *name, *spec;
	/*
	 * Changes the filters of the second tree in the same way. Returns 0, or -errno and *error.
	 * NULL: the view has no second tree.
	 */
	int (*second)(void *aux, const char *name, const char *spec, struct pst_error *error);
	void *aux;
	bool has_program; /* see kernel_second_needs() */
	/* The mount of a new second tree, which has the filter of spec already; or -1. */
	int serve_fd;
};

/*
 * Does a change. When the function has returned, the change holds for all. Returns 0, or -errno and
 * *error, which must not be NULL; then nothing has changed.
 */
int kernel_filter_change(const struct kernel_change *change, struct pst_error *error);
