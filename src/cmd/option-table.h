/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The table of mount options, including those of other programs. Parsing, suggestions, help and
 * --dry-run use its rows.
 */
#include <stdbool.h>
#include <stddef.h>

/* The kind of an option; most store a value at row->offset in struct mount_options. */
enum option_kind {
	OPTION_FLAG,    /* sets and clears bits of mount_flags */
	OPTION_SWITCH,  /* uint8_t or bool: row->max */
	OPTION_CHOICE,  /* int: index in row->values; without values row->max */
	OPTION_NUMBER,  /* unsigned int: from row->min to row->max */
	OPTION_TEXT,    /* const char * */
	OPTION_CACHE,   /* a choice, one of them with seconds */
	OPTION_TIMEOUT, /* sets cache=ttl=, to the least of several */
	OPTION_FILTER,  /* adds a filter */

	/* Options of other programs. */
	OPTION_IGNORED, /* for another program, or decided by the lower file system */
	OPTION_ALWAYS,  /* every view behaves so */
	OPTION_REFUSED, /* row->help says why, and what to do */
	OPTION_USER,    /* user, user=NAME */
};

struct option_row {
	const char *names; /* separated by spaces; the first is the main one; "x-*" */
	enum option_kind kind;
	const char *values; /* the values, for people: "auto|on", "N"; NULL: takes none */
	const char *help;   /* NULL: only --help=all has it */
	size_t offset;
	unsigned int min, max;
	unsigned int set, clear; /* of a flag: PST_MOUNT_* */
	size_t given;            /* offset of a bool: the option was given; 0: none */
	bool by_kernel; /* in the kernel's mount table, so mount(8) passes it to a remount */
};

extern const struct option_row option_rows[];
extern const size_t option_n_rows;

/* Returns the first row with this name, or NULL. */
const struct option_row *option_find(const char *name);

/* Returns whether this is an option of a view, not one of other programs. */
static inline bool option_is_own(const struct option_row *row)
{
	return row->kind < OPTION_IGNORED;
}

/* Copies the next word of *list and moves *list after it. Returns false at the end of the list. */
bool option_next_word(const char **list, char separator, char *word, size_t size);
