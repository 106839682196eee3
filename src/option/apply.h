/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Applies mount options to struct mount_options by the rows of table.c. */
#include "option/options.h"

struct option_row;

/*
 * Applies "name" or "name=value". next is the next word of the command line, for the form
 * `--name value`, or NULL; *ret_used becomes true if next was used. The value is borrowed. Returns
 * 0, -EINVAL with error->text, or -ENOMEM. While options->scanning is set, sets only
 * options->remount.
 */
int option_apply(struct mount_options *options, const char *text, const char *next, bool *ret_used,
		 struct pst_error *error);

/* Writes the value of an option to buf. Returns false if the option does not hold. */
bool option_show(const struct mount_options *options, const struct option_row *row, char *buf,
		 size_t size);
/* Returns what becomes of options of the row's kind, those of other programs. */
const char *option_kind_help(const struct option_row *row);
