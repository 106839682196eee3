/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The table of commands. */
#include "cmd/cmd.h"

/*
 * Returns the command that argv[1], or argv[1] and argv[2], name, and the number of these words;
 * NULL: there is none. argc is at least 2.
 */
const struct cmd *command_find(int argc, char **argv, int *ret_n_words);

/*
 * Prints name and summary of each command of a group: "filter", or NULL for commands of one word.
 */
void command_list(const char *group);

/* Prints that the group has no such command, and suggests one. Returns CMD_USAGE. */
int command_unknown(const char *group, const char *word);
