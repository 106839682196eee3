/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Options of a view as a program gives them. */
#include <penstock/penstock.h>

/*
 * Copies the options of a program built for another version: members that only the program has must
 * be 0, else -E2BIG; members that only this library has become 0.
 */
int view_options_copy(const struct pst_view_options *given, struct pst_view_options *ret_options,
		      struct pst_error *error);
/* Refuses values that no view can have: -EINVAL with error->text, which names the member. */
int view_options_check(const struct pst_view_options *options, struct pst_error *error);
/*
 * Checks that this process may mount a view. 0, or -EPERM and *error, which names the missing
 * capability.
 */
int view_check_privilege(struct pst_error *error);
/* Checks that a directory can be LOWER of a view with these options. 0, or -errno and *error. */
int view_check_lower(const char *lower, const struct pst_view_options *options,
		     struct pst_error *error);
