/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Checks of the options that a program gives. */
#include <penstock/penstock.h>
#include <stdbool.h>

/* Checks the values of the options. Returns 0, or -EINVAL and *error, which names the member. */
int view_options_check(const struct pst_view_options *options, struct pst_error *error);
/*
 * Checks that this process may mount a view. Sets *ret_by_helper if fusermount3 has to mount it.
 * Returns 0, or -EPERM and *error, which names the missing capability.
 */
int view_check_privilege(bool *ret_by_helper, struct pst_error *error);
/* Checks that fusermount3 can mount a view with these options. Returns 0, or -errno and *error. */
int view_check_helper(const char *lower, const char *mountpoint,
		      const struct pst_view_options *options, struct pst_error *error);
/*
 * Checks that a directory can be LOWER of a view with these options. Returns 0, or -errno and
 * *error.
 */
int view_check_lower(const char *lower, const struct pst_view_options *options,
		     struct pst_error *error);
