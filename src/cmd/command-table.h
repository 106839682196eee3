/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The table of commands. */
#include "cmd/cmd.h"

/*
 * The command that argv[1], or argv[1] and argv[2], name, and how many words that took; NULL: none.
 */
const struct cmd *command_find(int argc, char **argv, int *ret_n_words);

/* Prints name and summary of the commands of a group ("filter"; NULL: those of one word). */
void command_list(const char *group);

/*
 * Prints that the group has no command of this name, and which one may have been meant. Returns
 * CMD_USAGE.
 */
int command_unknown(const char *group, const char *word);
