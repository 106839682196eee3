/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The table of mount options, including those of other programs. Parsing, suggestions, help and
 * --dry-run use its rows.
 */
#include <stdbool.h>
#include <stddef.h>

/* The kind of an option. Most kinds store a value at row->offset in struct mount_options. */
enum option_kind {
	OPTION_FLAG,    /* sets row->set in mount_flags, and clears row->clear */
	OPTION_SWITCH,  /* stores row->max as a uint8_t or bool */
	OPTION_CHOICE,  /* stores the index of the value in row->values as an int; an option
			   without values stores row->max */
	OPTION_NUMBER,  /* stores an unsigned int from row->min to row->max */
	OPTION_TEXT,    /* stores a const char * */
	OPTION_CACHE,   /* cache=: a choice, or ttl=SECONDS */
	OPTION_TIMEOUT, /* attr_timeout= and the like: set cache=ttl= to the least of them */
	OPTION_FILTER,  /* adds a filter */
	OPTION_RULES,   /* adds the filters of a file of rules */
	OPTION_LIST,    /* adds names and paths to the filter of the option's name */

	/* Options of other programs, which fstab lines and scripts may have: */
	OPTION_IGNORED, /* another program uses it, or the lower file system decides */
	OPTION_ALWAYS,  /* every view behaves as if it were given */
	OPTION_REFUSED, /* row->help says why, and what to do */
	OPTION_BINDFS,  /* refused; row->help is the filter that does the same, "*" the value */
	OPTION_USER,    /* user, user=NAME */
};

struct option_row {
	const char *names; /* separated by spaces; the first is the main one; "x-*" is a prefix */
	enum option_kind kind;
	const char *values; /* the values as --help shows them: "auto|on", "N"; NULL if none */
	const char *help;   /* NULL: only --help=all shows the option */
	size_t offset;
	unsigned int min, max;
	unsigned int set, clear; /* of OPTION_FLAG: PST_MOUNT_* */
	size_t given;            /* offset of a bool that becomes true; 0 if there is none */
	bool by_kernel; /* the kernel's mount table has it, so mount(8) passes it to a remount */
};

extern const struct option_row option_rows[];
extern const size_t option_n_rows;

/* Returns the first row with this name, or NULL. */
const struct option_row *option_find(const char *name);

/* Returns true for an option of a view, false for one of other programs. */
static inline bool option_is_own(const struct option_row *row)
{
	return row->kind < OPTION_IGNORED;
}

/* Copies the next word of *list and moves *list after it. Returns false at the end of the list. */
bool option_next_word(const char **list, char separator, char *word, size_t size);
