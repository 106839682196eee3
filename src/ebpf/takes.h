/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The valid values of an option, as its PST_TAKES() notes and its type define them. */
#include <penstock/penstock.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Blanks separate the words, which the object owns. If all members are zero, each value of the type
 * is valid.
 */
struct takes {
	const char *one_of;    /* a text is one of these words */
	const char *list_of;   /* each name of a list is one of these, each glob matches one */
	const char *elsewhere; /* words of list_of without effect in this filter, ":", advice */
	const char *verbs;     /* of a file of rules: the first verbs of pairs */
	const char *with;      /* an option that must be given, and words that it must list */
	const char *random;    /* a number is random unless it is given; options that use it */
	bool of_programs;      /* a list of the operations for which programs run */
	bool of_changes;       /* a switch: programs run only for changes and for OPEN */
	bool percent;          /* a number of PST_PERCENT_ALL / 100 */
	bool users, groups;    /* names of users or groups stand for their IDs */
	bool not_empty;        /* a text has at least one character */
	bool has_range;
	int64_t min, max; /* of a number */
};

/* Adds a note, without its "takes: ". Returns 0, or -EINVAL if the note is unknown. */
int takes_add(struct takes *takes, const char *note);

/* Each checks a value. Returns 0, or -errno and *error, which lists the valid values. */
int takes_check_word(const struct takes *takes, const char *value, struct pst_error *error);
int takes_check_names(const struct takes *takes, const char *list, struct pst_error *error);
/* Returns whether a number is valid. If negative is true, value is an int64_t below 0. */
bool takes_number(const struct takes *takes, uint64_t value, bool negative);

/* Calls fn (may be NULL) for each word that a name or glob matches. Returns how many there are. */
size_t takes_each_match(const char *words, const char *pattern,
			void (*fn)(void *aux, const char *word), void *aux);
