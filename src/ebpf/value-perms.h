/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <penstock/filter.h>
#include <penstock/penstock.h>

/*
 * Parses rules for permissions, separated by ':', as struct pst_perms describes them. Writes to
 * list. Returns 0, or -errno with the reason in *error.
 */
int value_perms(char *list, struct pst_perms *ret, struct pst_error *error);
