/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Applies mount options to struct mount_options, and prints them, by the rows of option-table.c. */
#include "cmd/options.h"

/*
 * Applies "name" or "name=value". next is the next word of the command line, for the form
 * `--name value`, or NULL; *ret_used becomes true if next was used. The value is borrowed. Returns
 * 0, -EINVAL with error->text, or -ENOMEM. While options->scanning is set, sets only
 * options->remount.
 */
int option_apply(struct mount_options *options, const char *text, const char *next, bool *ret_used,
		 struct pst_error *error);

/* Prints a line of help for each option; all: also for aliases and options of other programs. */
void option_print_help(bool all);

/* Prints the help of one option, by any of its names. Returns false if there is no such option. */
bool option_describe(const char *name);

/* Prints a line NAME[=VALUE] for each option that differs from its default. */
void option_print(const struct mount_options *options);
