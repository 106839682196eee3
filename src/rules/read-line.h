/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The words of a line of rules, and its verb. The functions cut the text of the line. */
#include "rules/rules.h"

/*
 * Returns the next word of *rest, without blanks around it, and moves *rest behind it. A backslash
 * before a blank makes the blank part of the word; backslashes stay. Returns NULL at the end of the
 * line, or where a comment begins.
 */
char *read_word(char **rest);
/* The same for the first word: blanks between '(' and ')' are part of it. */
char *read_verb_word(char **rest);
/* Removes the backslashes of a word, and returns it. */
char *read_unquote(char *word);

/*
 * Sets pair, opposite and value of the rule by a verb such as "deny(unlink,rename)". Takes the
 * argument of owner and audit from *words. Sets *ret_without to the pattern of a line without one,
 * if the verb needs none. Returns 0, or -errno and *error.
 */
int read_verb(char *verb, char **words, struct rule *rule, const char **ret_without,
	      struct pst_error *error);
