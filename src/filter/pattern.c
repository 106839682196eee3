// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Names and globs, taken apart.
 *
 * Most patterns that people write are whole names, TEXT* or *TEXT. These are found by a hash of their
 * text, whatever their number; what is left, the globs, has to be tried one by one. In the rows of a
 * glob backslashes stay as they were written, in the others they are gone.
 */
#include "filter/pattern.h"
#include "filter/spec.h"
#include "util/log.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define MAX_ROWS 1000000

void patterns_fini(struct patterns *patterns)
{
	free(patterns->rows);
	*patterns = (struct patterns){ 0 };
}

static int add_row(struct patterns *patterns, const struct pst_pattern *row,
		   struct pst_error *error)
{
	if (patterns->n == MAX_ROWS)
		return error_set(error, -E2BIG, "more than %d patterns", MAX_ROWS);
	if (patterns->n == patterns->room) {
		size_t room = patterns->room ? 2 * patterns->room : 16;
		void *rows = reallocarray(patterns->rows, room, sizeof(*patterns->rows));

		if (!rows)
			return error_set(error, -ENOMEM, "no memory for %zu patterns", room);
		patterns->rows = rows;
		patterns->room = room;
	}
	patterns->rows[patterns->n++] = *row;
	return 0;
}

/* Where the set that begins at text ends: at its ']'. NULL: nowhere, or there is nothing in it. */
static const char *end_of_set(const char *text)
{
	const char *p = text + 1;

	if (*p == '!')
		p++;
	if (*p == ']')
		return NULL;
	for (; *p && *p != ']'; p++)
		if (*p == '\\' && p[1])
			p++;
	return *p ? p : NULL;
}

/* What stands in a pattern. */
struct shape {
	size_t n_stars, n_others; /* '*'; '?' and sets */
	size_t n_chars;		  /* bytes that stand for themselves */
	bool star_first, star_last;
};

static int scan(const char *text, struct shape *ret_shape, struct pst_error *error)
{
	struct shape shape = { .star_first = text[0] == '*' };

	for (const char *p = text; *p; p++) {
		shape.star_last = false;
		switch (*p) {
		case '/':
			return error_set(error, -EINVAL,
					 "'%.255s' is a path: what is wanted here are names, which "
					 "hold in every directory",
					 text);
		case '\\':
			if (!*++p)
				return error_set(
					error, -EINVAL,
					"'%.255s' ends in a backslash, which stands before "
					"the character that it takes the meaning from",
					text);
			shape.n_chars++;
			break;
		case '*':
			shape.n_stars++;
			shape.star_last = true;
			break;
		case '?':
			shape.n_others++;
			break;
		case '[':
			shape.n_others++;
			p = end_of_set(p);
			if (!p)
				return error_set(error, -EINVAL,
						 "'%.255s' has a '[' without characters and a ']' "
						 "after it; write \\[ for the character itself",
						 text);
			break;
		default:
			shape.n_chars++;
		}
	}
	*ret_shape = shape;
	return 0;
}

/* Copies the characters that stand for themselves. */
static void copy_plain(struct pst_pattern *row, const char *text)
{
	size_t len = 0;

	for (const char *p = text; *p; p++) {
		if (*p == '*')
			continue;
		if (*p == '\\')
			p++;
		row->text[len++] = *p;
	}
	row->len = len;
}

/* Makes a row of a name or glob. A component of a path is never a prefix or suffix. */
static int parse_pattern(const char *text, bool component, struct pst_pattern *ret_row,
			 struct pst_error *error)
{
	struct pst_pattern row = { 0 };
	struct shape shape = { 0 };
	int r;

	if (!*text)
		return error_set(error, -EINVAL,
				 "a pattern is empty: write names or globs, separated by ':'");
	if (strlen(text) >= PST_PATTERN_SIZE)
		return error_set(error, -ENAMETOOLONG,
				 "'%.60s...' is longer than %d bytes, as no name is", text,
				 PST_PATTERN_SIZE - 1);
	r = scan(text, &shape, error);
	if (r < 0)
		return r;
	row.kind = PST_PATTERN_GLOB;
	if (!shape.n_stars && !shape.n_others)
		row.kind = PST_PATTERN_EXACT;
	else if (!component && shape.n_stars == 1 && !shape.n_others && shape.star_last)
		row.kind = PST_PATTERN_PREFIX;
	else if (!component && shape.n_stars == 1 && !shape.n_others && shape.star_first)
		row.kind = PST_PATTERN_SUFFIX;
	if (row.kind == PST_PATTERN_GLOB) {
		row.len = strlen(text);
		memcpy(row.text, text, row.len);
	} else {
		copy_plain(&row, text);
		assert(row.len == shape.n_chars);
	}
	*ret_row = row;
	return 0;
}

/* spec_cut() for lists, where the backslashes in front of anything but ':' are for us. */
static int add_list(struct patterns *patterns, char *list, bool globs, struct pst_names *names,
		    struct pst_error *error)
{
	char *rest = list;

	while (rest) {
		struct pst_pattern row;
		int r = parse_pattern(spec_cut(&rest, ':'), false, &row, error);

		if (r < 0)
			return r;
		if ((row.kind == PST_PATTERN_GLOB) != globs)
			continue;
		row.table = names->table;
		r = add_row(patterns, &row, error);
		if (r < 0)
			return r;
		names->n++;
		names->n_globs += globs;
		if (row.kind == PST_PATTERN_PREFIX)
			names->prefixes[row.len / 64] |= 1ULL << row.len % 64;
		if (row.kind == PST_PATTERN_SUFFIX)
			names->suffixes[row.len / 64] |= 1ULL << row.len % 64;
	}
	return 0;
}

int patterns_add_names(struct patterns *patterns, char *list, struct pst_names *ret_names,
		       struct pst_error *error)
{
	_cleanup_(freep) char *copy = strdup(list);
	struct pst_names names = { .table = patterns->n_tables + 1 };
	int r;

	if (!copy)
		return error_set(error, -ENOMEM, "no memory");
	/* Globs are tried one after the other, so they lie one after the other. */
	r = add_list(patterns, copy, false, &names, error);
	if (r < 0)
		return r;
	names.globs_at = patterns->n;
	r = add_list(patterns, list, true, &names, error);
	if (r < 0)
		return r;
	patterns->n_tables++;
	*ret_names = names;
	return 0;
}

/* Adds the components of one path. */
static int add_path(struct patterns *patterns, const char *whole, char *path,
		    struct pst_paths *paths, struct pst_error *error)
{
	unsigned int first = paths->n_steps;
	char *component;

	while ((component = strsep(&path, "/"))) {
		struct pst_pattern row;
		int r;

		if (!*component)
			continue;
		if (!strcmp(component, ".") || !strcmp(component, ".."))
			return error_set(
				error, -EINVAL,
				"'%.255s' has a '%s' in it: paths begin at the root of the "
				"view and lead down",
				whole, component);
		if (paths->n_steps == PST_MAX_STEPS)
			return error_set(error, -E2BIG,
					 "the paths have more than %d components in all: give the "
					 "filter twice, with some of the paths each",
					 PST_MAX_STEPS);
		r = parse_pattern(component, true, &row, error);
		if (r < 0)
			return r;
		r = add_row(patterns, &row, error);
		if (r < 0)
			return r;
		paths->n_steps++;
	}
	if (paths->n_steps == first) {
		paths->start |= PST_PATHS_INSIDE;
		return 0;
	}
	paths->start |= 1ULL << first;
	paths->last |= 1ULL << (paths->n_steps - 1);
	return 0;
}

int patterns_add_paths(struct patterns *patterns, char *list, struct pst_paths *ret_paths,
		       struct pst_error *error)
{
	struct pst_paths paths = { .patterns_at = patterns->n };
	char *rest = list;

	while (rest) {
		char *path = spec_cut(&rest, ':');
		_cleanup_(freep) char *whole = strdup(path);
		int r;

		if (!whole)
			return error_set(error, -ENOMEM, "no memory");
		r = add_path(patterns, whole, path, &paths, error);
		if (r < 0)
			return r;
	}
	*ret_paths = paths;
	return 0;
}

void pattern_key(const struct pst_pattern *row, struct pst_pattern_key *ret_key)
{
	*ret_key = (struct pst_pattern_key){
		.table = row->table,
		.len = row->len,
		.kind = row->kind,
	};
	memcpy(ret_key->text, row->text, row->len);
}
