/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What the value of an option may be, by the notes that PST_TAKES() and its kind put on it. */
#include <penstock/penstock.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Words have blanks between them and are the object's. Zero-initialised: whatever the type allows.
 */
struct takes {
	const char *one_of;    /* the value is one of these words */
	const char *list_of;   /* each name of the list is one of these, each glob fits
					   one */
	const char *elsewhere; /* of these, such as mean nothing here, then ":" and what
					   to do; or NULL */
	bool users, groups;    /* names of these stand for their numbers */
	bool not_empty;        /* a text has at least one character */
	bool has_range;
	int64_t min, max; /* of a number */
};

/* Adds what a note says, without its "takes: ". -EINVAL: nothing that we know. */
int takes_add(struct takes *takes, const char *note);

/* 0, or -EINVAL with what is wanted in *error. */
int takes_check_word(const struct takes *takes, const char *value, struct pst_error *error);
int takes_check_names(const struct takes *takes, const char *list, struct pst_error *error);
/* negative: the number is below 0, and its bits are the value as an int64_t. */
int takes_check_number(const struct takes *takes, uint64_t value, bool is_signed,
		       struct pst_error *error);

/* Calls fn for each of the words that fits the name or glob. Returns how many did. */
size_t takes_each_match(const char *words, const char *pattern,
			void (*fn)(void *aux, const char *word), void *aux);

/*
 * The number of the user or group of that name in /etc/passwd or /etc/group; -ENOENT: there is
 * none.
 */
int takes_find_id(const struct takes *takes, const char *name, uint64_t *ret_id);
