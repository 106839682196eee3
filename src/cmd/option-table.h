/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The table of options: applies one, lists all. */
#include <stdbool.h>

#include "cmd/options.h"

/* Sets and clears bits of mount_flags, and notes that they were named. */
void option_flags(struct mount_options *options, unsigned int set, unsigned int clear);

/*
 * Applies "name" or "name=value"; text is cut up. next is what stands behind it, for the form
 * `--name value`, or NULL; *ret_used becomes true when it was taken. 0, -EINVAL with error->text,
 * or -ENOMEM.
 */
int option_apply(struct mount_options *options, char *text, const char *next, bool *ret_used,
		 struct pst_error *error);

/* Prints a line of help for each option; all: other words for them, and words of other programs, too. */
void option_print_help(bool all);

/* Prints NAME[=VALUE] for each option that is not as by default. */
void option_print(struct mount_options *options);

/*
 * For tests: option number i, and word number `word` of those that its value is one of, NULL when there
 * are no more. False when there is no such option.
 */
bool option_words(size_t i, const char **ret_name, size_t word, const char **ret_word);
