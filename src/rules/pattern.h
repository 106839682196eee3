/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Patterns of .gitignore files: parsed into components, and matched against paths.
 *
 * A component is a glob in the form that filters match (struct pst_pattern): * ? [a-z] [!a-z], and
 * a backslash before each character that has no special meaning. The matching here is slow and
 * plain; the automaton (rules/automaton.h) is compared with it.
 */
#include <penstock/penstock.h>
#include <stdbool.h>
#include <stddef.h>

struct rule_pattern {
	char *text;     /* as the user has written it, without "!" */
	char **part;    /* the components; NULL in the array: "**", any number of directories */
	size_t n_parts; /* 0: the pattern "/", which is the root with all below it */
	bool only_dirs; /* written with a '/' at the end: matches directories only */
	bool has_way;   /* written with another '/', so that it names directories on the way */
};

/*
 * Parses a pattern, a word of a line. Returns 0, or -errno and *error, which says what to write
 * instead. After 0 the caller must call rule_pattern_fini().
 */
int rule_pattern_parse(const char *word, struct rule_pattern *ret_pattern, struct pst_error *error);
void rule_pattern_fini(struct rule_pattern *pattern);

/* A path, split into its names. */
struct rule_path {
	const char *const *name;
	size_t n;
	bool is_dir; /* the last name is a directory; all others are */
};

/* Returns whether the pattern matches exactly this path, not a directory above it. */
bool rule_pattern_matches(const struct rule_pattern *pattern, const struct rule_path *path);

/* Returns whether the pattern may match paths below this directory. */
bool rule_pattern_goes_on(const struct rule_pattern *pattern, const struct rule_path *path);

/*
 * Returns whether a matches each path that b matches or, if below is true, a directory above it.
 * May return false although that is so.
 */
bool rule_pattern_covers(const struct rule_pattern *a, const struct rule_pattern *b, bool below);

/* -- components -------------------------------------------------------------------------------- */

/* A glob, and its text before the first wildcard and behind the last, without backslashes. */
struct rule_glob {
	const char *text;
	char head[256], tail[256];
	size_t n_head, n_tail;
	bool is_name; /* there is no wildcard: head and tail are the whole name */
};
/* text is borrowed. */
void rule_glob_init(struct rule_glob *glob, const char *text);
/* Returns whether a glob matches a name. */
bool rule_glob_matches(const char *glob, const char *name);
/* Returns whether some name matches both globs. */
bool rule_globs_meet(const struct rule_glob *a, const struct rule_glob *b);
