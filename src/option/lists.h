/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Options that add filters: --filter, --rules, and --hide, --readonly and --mask with lists. */
#include "option/options.h"

/* Adds a filter; spec must outlive the options. Returns 0 or -ENOMEM. */
int option_filter_add(struct mount_options *options, const char *spec);

/* Adds the filters of a file of rules. Returns 0, -EINVAL with *error, or -ENOMEM. */
int option_rules_add(struct mount_options *options, const char *path, struct pst_error *error);

/*
 * Adds a list, such as ".env:*.key:/secrets", to the filter that option names; adds the filter if
 * it is the first list. Words that begin with '/' are paths, others names in any directory. Returns
 * 0, -EINVAL with *error, or -ENOMEM.
 */
int option_lists_add(struct mount_options *options, const char *option, const char *list,
		     struct pst_error *error);
