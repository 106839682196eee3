/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The options of an object: its constants that the programmer has marked as such. */
#include "ebpf/object.h"
#include "ebpf/patterns.h"
#include "ebpf/takes.h"

enum option_kind {
	OPTION_INTEGER,
	OPTION_SWITCH,
	OPTION_TEXT,
	OPTION_NAMES,
	OPTION_IDS,
	OPTION_ERRNO,
	OPTION_PATHS,
};

struct option {
	const char *name, *help; /* the object's */
	enum option_kind kind;
	bool is_signed;
	struct takes takes; /* what of that type means something */
	size_t size;
	void *at;    /* in the object's constants */
	char *given; /* as the user wrote it; NULL: not at all */
};

struct options {
	const struct object *object; /* whose they are */
	struct option *rows;
	size_t n;
};

/*
 * Finds them; *ret_options is for option_list_fini(), and no good any more once the object is gone.
 */
int option_list_find(const struct object *object, struct options *ret_options,
		     struct pst_error *error);
void option_list_fini(struct options *options);

/* Sets one to value (NULL: only the name was given). Patterns in it are added to *patterns. */
int option_list_set(struct options *options, const char *name, const char *value,
		    struct patterns *patterns, struct pst_error *error);

/*
 * Checks, after the last option, that the options which the filter of this name needs are given.
 * Returns 0, or -errno with *error set.
 */
int option_list_check(const struct options *options, const char *filter, struct pst_error *error);

bool option_list_have(const struct options *options, enum option_kind kind);
/* The cell that a filter starts with: .start of its first list of paths, 0 without one. */
uint64_t option_list_cell(const struct options *options);
/*
 * The cell of a file whose path is not known: with a list of names or paths that of a file that the
 * list chooses, since it might.
 */
uint64_t option_list_unknown(const struct options *options);
/* For people. */
const char *option_type(const struct option *option);
void option_value(const struct option *option, char *buf, size_t size);
