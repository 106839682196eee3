/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Translates options of bindfs into filters, for the error that refuses them. */
#include "option/options.h"

/*
 * Notes an option of bindfs. filter is the SPEC that does the same, with '*' for value, which may
 * be NULL. Returns 0 or -ENOMEM.
 */
int option_bindfs_add(struct mount_options *options, const char *name, const char *filter,
		      const char *value);

/* Returns 0, or -EINVAL and *error with the filters if there were options of bindfs. */
int option_bindfs_refuse(const struct mount_options *options, struct pst_error *error);

void option_bindfs_fini(struct mount_options *options);
