/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Finds paths of the machine where options of filters and rules take paths of the view. */
#include "option/options.h"

/*
 * Checks the paths of the filters and of the rules, once LOWER is known. A path that begins with
 * that of LOWER or of MOUNTPOINT would match nothing. Returns 0, -EINVAL with *error, or -ENOMEM.
 */
int option_paths_check(const struct mount_options *options, struct pst_error *error);
