/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Options of a view as a program gives them. */
#include <penstock/penstock.h>

/* Refuses values that mean nothing: -EINVAL with error->text, which names the member. */
int view_options_check(const struct pst_view_options *options, struct pst_error *error);
