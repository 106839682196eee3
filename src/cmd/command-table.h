/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Finds, lists and suggests commands of the table. */
#include "cmd/cmd.h"

/*
 * Returns the command that argv[1] alone or argv[1] and argv[2] together name; NULL if the table
 * has none. Sets *ret_n_words to the number of words of its name, 1 or 2. argc is at least 2.
 */
const struct cmd *command_find(int argc, char **argv, int *ret_n_words);

/*
 * Prints name and summary of each command of a group: "filter", or NULL for commands of one word.
 */
void command_list(const char *group);

/* Makes the command of a group that is most similar to word the suggestion. */
struct suggestion;
void command_suggest(struct suggestion *suggestion, const char *group, const char *word);

/*
 * Prints that the group (NULL: the program) has no command of this name, and the most similar one
 * if there is any. Returns CMD_USAGE.
 */
int command_unknown(const char *group, const char *word);
