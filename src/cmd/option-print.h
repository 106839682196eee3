/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Prints mount options, by the rows of option/table.c. */
#include "option/options.h"

/* Prints a line of help for each option; all: also for aliases and options of other programs. */
void option_print_help(bool all);

/* Prints the help of one option, by any of its names. Returns false if there is no such option. */
bool option_describe(const char *name);

/* Prints a line NAME[=VALUE] for each option that differs from its default. */
void option_print(const struct mount_options *options);
