/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The options of an object: the constants that its programmer has declared by PST_OPTION(). */
#include "ebpf/object.h"
#include "ebpf/patterns.h"
#include "ebpf/takes.h"

enum option_kind {
	OPTION_INTEGER,
	OPTION_SWITCH,
	OPTION_TEXT,
	/* Structs: */
	OPTION_NAMES,
	OPTION_IDS,
	OPTION_ERRNO,
	OPTION_PATHS,
};

struct option {
	const char *name, *help; /* the object's */
	enum option_kind kind;
	bool is_signed;
	struct takes takes; /* the values of its type that are valid */
	size_t size;
	void *at;    /* in the object's constants; need not be aligned */
	char *given; /* as the user wrote it; NULL: not given */
};

struct options {
	const struct object *object; /* borrowed */
	struct option *rows;
	size_t n;
};

/* Returns whether every filter has an option of that name. */
bool option_is_common(const char *name);

/*
 * Finds the options of an object. Returns 0, with *ret_options for option_list_fini(), or -errno
 * with *error set. The options point into the object.
 */
int option_list_find(const struct object *object, struct options *ret_options,
		     struct pst_error *error);
void option_list_fini(struct options *options);

/*
 * Sets an option to value (NULL: the user gave only the name). Adds its patterns to *patterns.
 * Returns 0, or -errno with *error set.
 */
int option_list_set(struct options *options, const char *name, const char *value,
		    struct patterns *patterns, struct pst_error *error);

/*
 * Checks, after the last option, that the options which the filter of this name needs are given.
 * Returns 0, or -errno with *error set.
 */
int option_list_check(const struct options *options, const char *filter, struct pst_error *error);

/*
 * Returns whether there is an option for names or paths. A file whose path is not known could match
 * it, so such a file gets the cell PST_PATHS_INSIDE.
 */
bool option_list_has_patterns(const struct options *options);
/* Returns the filter's first cell: .start of its first list of paths, 0 without one. */
uint64_t option_list_cell(const struct options *options);

/* Returns the type, and writes the value, for users. */
const char *option_type(const struct option *option);
void option_value(const struct option *option, char *buf, size_t size);
