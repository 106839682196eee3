/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Parses one name or glob. Each matching name begins with the text before the first wildcard (*, ?
 * or a set), and ends with the text after the last wildcard. One of these two texts becomes the key
 * by which a program finds the pattern among many.
 */
#include <penstock/filter.h>
#include <penstock/penstock.h>
#include <stddef.h>

/* The key and key_len of a struct pst_pattern. */
struct pattern_key {
	uint64_t word[PST_KEY_WORDS];
	size_t len;
};

struct pattern {
	struct pattern_key begin, end;
	/* The check that a program still has to make after it has found begin, or end. */
	enum pst_pattern_kind begin_kind, end_kind;
	size_t n_begin, n_end; /* the number of patterns of the list with this key */
	size_t number;         /* of the pattern in its list */
	size_t len;
	char text[PST_PATTERN_SIZE]; /* as the user has written it */
};

/*
 * Refuses the syntax of other programs, which would match nothing here: "!x", "@file", "**", blanks
 * without a backslash, and slashes in a name. text is one name or glob of a list, or one whole path
 * of a list of paths. Returns 0, or -EINVAL with *error saying what to write instead.
 */
int pattern_check_name(const char *text, struct pst_error *error);
int pattern_check_path(const char *text, struct pst_error *error);

/* Parses a name or glob, which has no slash. Returns 0, or -errno with *error set. */
int pattern_parse(const char *text, struct pattern *ret_pattern, struct pst_error *error);
