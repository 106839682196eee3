/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The filters that carry out a file of rules. */
#include <penstock/penstock.h>
#include <stdbool.h>
#include <stddef.h>

#define RULES_FILTERS 4 /* filters that rules can have in a view */

struct rules_filter {
	const char *name; /* in the view */
	char *spec;       /* NULL: the rules have no line for it */
};

struct rules_filters {
	struct rules_filter row[RULES_FILTERS]; /* in the order in which they run */
};

/*
 * Reads and checks the rules in a file, and makes the specs of the filters, with the absolute path
 * of the file. Returns 0, or -errno and *error. After 0 the caller must call rules_filters_fini().
 */
int rules_filters_make(const char *path, struct rules_filters *ret_filters,
		       struct pst_error *error);
void rules_filters_fini(struct rules_filters *filters);
