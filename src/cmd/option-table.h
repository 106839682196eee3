/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The table of mount options, those of other programs included. What is parsed, suggested and
 * printed about options is made of its rows.
 */
#include <stdbool.h>
#include <stddef.h>

/* What an option does with the member of struct mount_options at row->offset, or in its place. */
enum option_kind {
	OPTION_FLAG,			/* sets and clears bits of mount_flags */
	OPTION_SWITCH,			/* uint8_t or bool: row->max */
	OPTION_CHOICE,			/* int: which word of row->values; without these row->max */
	OPTION_NUMBER,			/* unsigned int: from row->min to row->max */
	OPTION_TEXT,			/* const char * */
	OPTION_CACHE,			/* a choice, one of them with seconds */
	OPTION_TIMEOUT,			/* the least of several is the ttl */
	OPTION_FILTER,			/* one more filter */

	/* Of other programs. */
	OPTION_IGNORED,			/* for another program, or for the lower file system to decide */
	OPTION_ALWAYS,			/* every view is so */
	OPTION_REFUSED,			/* row->help says why, and what to do */
	OPTION_USER,			/* user, user=NAME */
};

struct option_row {
	const char *names;		/* the name and other names for it; "x-*": all that begin so */
	enum option_kind kind;
	const char *values;		/* what its value looks like, words with | between; NULL: none */
	const char *help;		/* NULL: only --help=all has it */
	size_t offset;
	unsigned int min, max;
	unsigned int set, clear;	/* of a flag: PST_MOUNT_* */
	size_t given;			/* a bool that becomes true when the option is given; 0: none */
	bool by_kernel;			/* in the kernel's list of mounts: a remount repeats it */
};

extern const struct option_row option_rows[];
extern const size_t option_n_rows;

/* The row with this name, the first that fits; NULL: there is none. */
const struct option_row *option_find(const char *name);

/* Whether the option is of a view, not of other programs. */
static inline bool option_is_own(const struct option_row *row)
{
	return row->kind < OPTION_IGNORED;
}

/* Takes the next word off a list with these separators; false: there is none. */
bool option_next_word(const char **list, char separator, char *word, size_t size);
