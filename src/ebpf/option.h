/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The options of an object are the constants that its author has declared by PST_OPTION(). */
#include "ebpf/object.h"
#include "ebpf/patterns.h"
#include "ebpf/rule-tables.h"
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
	OPTION_PERMS,
	OPTION_ID_MAP,
	OPTION_RULES,
};

struct option {
	const char *name, *help; /* the object owns these */
	enum option_kind kind;
	bool is_signed;
	struct takes takes; /* the values that are valid */
	size_t size;
	void *at;    /* points to the object's constant, maybe unaligned */
	char *given; /* the value that the user has written, or NULL */
};

struct options {
	const struct object *object; /* borrowed */
	struct option *rows;
	size_t n;
	struct rule_tables rules; /* of the option for a file of rules */
};

/* Returns whether name is an option that every filter has: name, at, pin or keep. */
bool option_is_common(const char *name);

/*
 * Finds the options of an object, which must outlive them. Returns 0, or -errno and *error. After 0
 * the caller must call option_list_fini().
 */
int option_list_find(const struct object *object, struct options *ret_options,
		     struct pst_error *error);
void option_list_fini(struct options *options);

/*
 * Sets an option to value, which is NULL if the user has given only the name. Adds the option's
 * patterns to *patterns. Returns 0, or -errno and *error.
 */
int option_list_set(struct options *options, const char *name, const char *value,
		    struct patterns *patterns, struct pst_error *error);

/* Returns the option of this name, or NULL. */
struct option *option_list_option(const struct options *options, const char *name);

/*
 * Checks that the user has given the options that the filter of this name, and other options, need.
 * Sets options that are random unless they are given. The caller calls it after it has set the last
 * option. Returns 0, or -errno and *error.
 */
int option_list_check(struct options *options, const char *filter, struct pst_error *error);

/*
 * Returns the operations, as bits 1 << opcode, for which the programs before and after operations
 * run, if options choose them (PST_OF_PROGRAMS, PST_OF_CHANGES). Else all bits are set.
 */
uint64_t option_list_ops(const struct options *options);

/*
 * Returns whether there is an option for names, paths or rules. Files whose path is not known then
 * get the cell PST_PATHS_INSIDE, because they could match.
 */
bool option_list_has_patterns(const struct options *options);
/* Returns the cell of the filter's root: .start of its first list of paths or rules, or 0. */
uint64_t option_list_cell(const struct options *options);

/* Return the type, and write the value, as users see them. */
const char *option_type(const struct option *option);
void option_value(const struct option *option, char *buf, size_t size);
