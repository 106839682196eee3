// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Converts lists of names, globs and paths into rows of the map pst_patterns. No state, no locks.
 *
 * Each name or glob of a list is a row. The key of a row is the text with which matching names
 * begin or end. The rows are sorted by key, and each row has the number of the row whose key is the
 * longest proper beginning of this row's key. So a program finds all patterns that may match a name
 * by one binary search.
 */
#include "ebpf/patterns.h"
#include "ebpf/pattern.h"
#include "util/log.h"
#include "util/name.h"
#include "util/parse.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
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
		return error_set(error, -E2BIG,
				 "the names and paths of the filter have more "
				 "than %d patterns in all: split them between two filters",
				 MAX_ROWS);
	if (patterns->n == patterns->room) {
		size_t room = patterns->room ? 2 * patterns->room : 16;
		void *rows = reallocarray(patterns->rows, room, sizeof(*patterns->rows));

		if (!rows)
			return error_set(error, -ENOMEM, "out of memory: the list has %zu patterns",
					 room);
		patterns->rows = rows;
		patterns->room = room;
	}
	patterns->rows[patterns->n++] = *row;
	return 0;
}

static struct pst_pattern row_of(const struct pattern *pattern, bool by_end)
{
	const struct pattern_key *key = by_end ? &pattern->end : &pattern->begin;
	struct pst_pattern row = {
		.shorter = PST_NO_ROW,
		.len = pattern->len,
		.key_len = key->len,
		.kind = by_end ? pattern->end_kind : pattern->begin_kind,
	};

	memcpy(row.key, key->word, sizeof(row.key));
	memcpy(row.text, pattern->text, sizeof(row.text));
	return row;
}

/* -- lists of names --------------------------------------------------------------------------- */

static int parse_list(char *list, struct pattern **ret_rows, size_t *ret_n, struct pst_error *error)
{
	_cleanup_(freep) struct pattern *rows = NULL;
	char *rest = list;
	size_t n = 0, room = 1;

	/* Escaped separators are counted, too. */
	for (const char *p = list; *p; p++)
		room += *p == ':';
	if (room > MAX_ROWS)
		return error_set(
			error, -E2BIG,
			"the list has more than %d patterns: replace some by a glob that matches "
			"them",
			MAX_ROWS);
	rows = calloc(room, sizeof(*rows));
	if (!rows)
		return error_set(error, -ENOMEM, "out of memory: the list has %zu patterns", room);
	while (rest) {
		const char *text = parse_part(&rest, ':', false);
		int r = pattern_check_name(text, error);

		if (r == 0)
			r = pattern_parse(text, &rows[n++], error);
		if (r < 0)
			return r;
	}
	*ret_rows = take_ptr(rows);
	*ret_n = n;
	return 0;
}

static int compare_keys(const struct pattern_key *a, const struct pattern_key *b)
{
	for (int i = 0; i < PST_KEY_WORDS; i++)
		if (a->word[i] != b->word[i])
			return a->word[i] < b->word[i] ? -1 : 1;
	return 0;
}

static int by_begin(const void *a, const void *b)
{
	return compare_keys(&((const struct pattern *)a)->begin,
			    &((const struct pattern *)b)->begin);
}

static int by_end(const void *a, const void *b)
{
	return compare_keys(&((const struct pattern *)a)->end, &((const struct pattern *)b)->end);
}

/* Sets n_end, or n_begin, of each pattern. The patterns must be sorted by these keys. */
static void count_alike(struct pattern *rows, size_t n, bool ends)
{
	for (size_t i = 0, next; i < n; i = next) {
		next = i + 1;
		while (next < n && !(ends ? by_end : by_begin)(&rows[i], &rows[next]))
			next++;
		for (size_t k = i; k < next; k++)
			*(ends ? &rows[k].n_end : &rows[k].n_begin) = next - i;
	}
}

/*
 * Returns whether the end of the pattern is the better key. A program tries patterns with the same
 * key one by one, so the better key is the one that fewer patterns have.
 */
static bool goes_by_end(const struct pattern *pattern)
{
	if (pattern->begin_kind != PST_PATTERN_GLOB)
		return false;
	if (pattern->end_kind != PST_PATTERN_GLOB)
		return true;
	if (pattern->n_begin != pattern->n_end)
		return pattern->n_end < pattern->n_begin;
	return pattern->end.len > pattern->begin.len;
}

/* Returns whether the key of a is a proper beginning of the key of b. */
static bool is_shorter(const struct pst_pattern *a, const struct pst_pattern *b)
{
	if (a->key_len >= b->key_len)
		return false;
	for (int i = 0; i < PST_KEY_WORDS; i++) {
		int left = a->key_len - 8 * i;
		uint64_t mask = left >= 8 ? UINT64_MAX : left > 0 ? ~(UINT64_MAX >> 8 * left) : 0;

		if ((a->key[i] ^ b->key[i]) & mask)
			return false;
	}
	return true;
}

/* Sets .shorter of the rows from first on. These rows must be sorted. */
static void link_rows(struct patterns *patterns, size_t first)
{
	struct pst_pattern *rows = patterns->rows;

	for (size_t i = first + 1; i < patterns->n; i++) {
		uint32_t at = i - 1;

		while (at != PST_NO_ROW && !is_shorter(&rows[at], &rows[i]))
			at = rows[at].shorter;
		rows[i].shorter = at;
	}
}

/*
 * Adds the sorted patterns whose key is their end (ends is true), or their beginning. If ret_row is
 * not NULL, sets ret_row[i] to the row of pattern number i.
 */
static int add_sorted(struct patterns *patterns, const struct pattern *rows, size_t n, bool ends,
		      uint32_t *ret_row, struct pst_error *error)
{
	size_t first = patterns->n;

	for (size_t i = 0; i < n; i++) {
		struct pst_pattern row = row_of(&rows[i], ends);
		int r;

		if (goes_by_end(&rows[i]) != ends)
			continue;
		if (ret_row)
			ret_row[rows[i].number] = patterns->n;
		r = add_row(patterns, &row, error);
		if (r < 0)
			return r;
	}
	link_rows(patterns, first);
	return 0;
}

static uint32_t max_words(uint32_t words, const struct pst_pattern *row)
{
	uint32_t own = row->key_len ? (row->key_len + 7) / 8 : 1;

	return own > words ? own : words;
}

/* Adds n patterns, and sorts them for that. ret_row is as for add_sorted(). */
static int add_names(struct patterns *patterns, struct pattern *rows, size_t n,
		     struct pst_names *ret_names, uint32_t *ret_row, struct pst_error *error)
{
	struct pst_names names = { .n = n, .begins_at = patterns->n };
	int r;

	qsort(rows, n, sizeof(*rows), by_end);
	count_alike(rows, n, true);
	qsort(rows, n, sizeof(*rows), by_begin);
	count_alike(rows, n, false);
	r = add_sorted(patterns, rows, n, false, ret_row, error);
	if (r < 0)
		return r;
	names.ends_at = patterns->n;
	names.n_begins = names.ends_at - names.begins_at;
	qsort(rows, n, sizeof(*rows), by_end);
	r = add_sorted(patterns, rows, n, true, ret_row, error);
	if (r < 0)
		return r;
	names.n_ends = patterns->n - names.ends_at;
	for (size_t i = names.begins_at; i < patterns->n; i++)
		names.key_words = max_words(names.key_words, &patterns->rows[i]);
	*ret_names = names;
	return 0;
}

int patterns_add_names(struct patterns *patterns, char *list, struct pst_names *ret_names,
		       struct pst_error *error)
{
	_cleanup_(freep) struct pattern *rows = NULL;
	size_t n = 0;
	int r = parse_list(list, &rows, &n, error);

	return r < 0 ? r : add_names(patterns, rows, n, ret_names, NULL, error);
}

int patterns_add_globs(struct patterns *patterns, char *const *globs, size_t n,
		       struct pst_names *ret_names, uint32_t *ret_row, struct pst_error *error)
{
	_cleanup_(freep) struct pattern *rows = calloc(n + 1, sizeof(*rows));
	int r = rows ? 0 : error_set(error, -ENOMEM, "no memory for %zu patterns", n);

	for (size_t i = 0; i < n && r == 0; i++) {
		r = pattern_parse(globs[i], &rows[i], error);
		rows[i].number = i;
	}
	if (r == 0)
		r = add_names(patterns, rows, n, ret_names, ret_row, error);
	for (size_t i = 0; i < n && r == 0; i++)
		ret_row[i] -= ret_names->begins_at;
	return r;
}

/* Adds byte number i of the names that match a row to a set, or all bytes if it can be any. */
static void add_byte(const struct pst_pattern *row, unsigned int i, uint64_t set[4])
{
	/* The first byte of a key is its highest. Behind the whole name is its NUL. */
	unsigned char c = row->key[0] >> (56 - 8 * i);

	if (i < row->key_len || (i && row->kind == PST_PATTERN_EXACT))
		set[c >> 6] |= 1ULL << (c & 63);
	else
		memset(set, 0xff, 4 * sizeof(*set));
}

static void add_bytes(const struct pst_pattern *rows, size_t n, uint64_t sets[2][4])
{
	for (size_t i = 0; i < n; i++) {
		add_byte(&rows[i], 0, sets[0]);
		add_byte(&rows[i], 1, sets[1]);
	}
}

void patterns_choice(const struct patterns *patterns, const struct pst_names *names,
		     struct filter_choice *ret_choice)
{
	*ret_choice = (struct filter_choice){ .known = 1 };
	add_bytes(patterns->rows + names->begins_at, names->n_begins, ret_choice->begin);
	add_bytes(patterns->rows + names->ends_at, names->n_ends, ret_choice->end);
}

/* -- paths ------------------------------------------------------------------------------------ */

/* Adds the components of one path. */
static int add_path(struct patterns *patterns, const char *whole, char *path,
		    struct pst_paths *paths, struct pst_error *error)
{
	unsigned int first = paths->n_steps;
	char *component;

	while ((component = strsep(&path, "/"))) {
		struct pattern pattern;
		struct pst_pattern row;
		int r;

		if (!*component)
			continue;
		if (name_is_dots(component))
			return error_set(
				error, -EINVAL,
				"'%.255s' contains '%s': write paths from the root of the view, "
				"without . and ..",
				whole, component);
		if (paths->n_steps == PST_MAX_STEPS)
			return error_set(error, -E2BIG,
					 "the paths have more than %d components in all: use the "
					 "filter twice, with some of the paths each",
					 PST_MAX_STEPS);
		r = pattern_parse(component, &pattern, error);
		if (r < 0)
			return r;
		row = row_of(&pattern, false);
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
		char *path = parse_part(&rest, ':', false);
		_cleanup_(freep) char *whole = strdup(path);
		int r;

		if (!whole)
			return error_set(error, -ENOMEM, "out of memory");
		if (!*whole)
			return error_set(error, -EINVAL,
					 "a path is empty: write / for the whole view");
		r = pattern_check_path(path, error);
		if (r == 0)
			r = add_path(patterns, whole, path, &paths, error);
		if (r < 0)
			return r;
	}
	*ret_paths = paths;
	return 0;
}
