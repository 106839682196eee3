// SPDX-License-Identifier: LGPL-2.1-or-later
/* Parses one name or glob. */
#include "ebpf/pattern.h"
#include "util/log.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define KEY_SIZE (PST_KEY_WORDS * sizeof(uint64_t))

/* Returns the ']' that ends the set at text; NULL if there is none, or if the set is empty. */
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

/* -- syntax of other programs ----------------------------------------------------------------- */

/*
 * Returns the first of these characters in text that is neither part of a set nor after a
 * backslash, or NULL.
 */
static const char *find_bare(const char *text, const char *these)
{
	for (const char *p = text; *p; p++) {
		if (*p == '\\' && p[1]) {
			p++;
		} else if (strchr(these, *p)) {
			return p;
		} else if (*p == '[') {
			const char *end = end_of_set(p);

			p = end ? end : p;
		}
	}
	return NULL;
}

static const char *find_two_stars(const char *text)
{
	const char *p = text;

	while ((p = find_bare(p, "*"))) {
		if (p[1] == '*')
			return p;
		p++;
	}
	return NULL;
}

/* Makes the checks that names and paths have in common. */
static int check_both(const char *text, struct pst_error *error)
{
	if (*text == '!')
		return error_set(error, -EINVAL,
				 "'%.100s': a '!' excludes nothing from a list: write only what "
				 "should match, or \\%.100s for a name that begins with '!'",
				 text, text);
	if (*text == '@')
		return error_set(error, -EINVAL,
				 "'%.100s': patterns are not read from a file: write them here, "
				 "with ':' between them, or \\%.100s for a name that begins with "
				 "'@'",
				 text, text);
	if (find_bare(text, " \t\n"))
		return error_set(error, -EINVAL,
				 "'%.100s' contains white space: write ':' between two patterns, "
				 "as in .env:.git, and '\\ ' for a space that belongs to a name",
				 text);
	return 0;
}

/* Returns a pattern to suggest: the part after the last slash, with one star for several. */
static const char *last_part(const char *text, char part[PST_PATTERN_SIZE])
{
	size_t len = strlen(text), n = 0;
	const char *from;

	while (len && text[len - 1] == '/')
		len--;
	for (from = text + len; from > text && from[-1] != '/';)
		from--;
	for (; from < text + len && n < PST_PATTERN_SIZE - 1; from++)
		if (*from != '*' || !n || part[n - 1] != '*')
			part[n++] = *from;
	part[n] = '\0';
	return n ? part : "*.key";
}

int pattern_check_name(const char *text, struct pst_error *error)
{
	int r = check_both(text, error);
	char part[PST_PATTERN_SIZE];

	if (r < 0)
		return r;
	if (find_two_stars(text))
		return error_set(error, -EINVAL,
				 "'%.100s': '**' has no meaning here, because names match in every "
				 "directory: write '%.100s', or a path in paths=",
				 text, last_part(text, part));
	if (strchr(text, '/'))
		return error_set(error, -EINVAL,
				 "'%.100s' is a path, and names match in every directory: write "
				 "'%.100s', or paths=%.100s for that place only",
				 text, last_part(text, part), text);
	return 0;
}

int pattern_check_path(const char *text, struct pst_error *error)
{
	int r = check_both(text, error);
	char part[PST_PATTERN_SIZE];

	if (r < 0 || !find_two_stars(text))
		return r;
	return error_set(error, -EINVAL,
			 "'%.100s': '**' has no meaning in a path, which includes all files "
			 "inside it: write names=%.100s for a name in every directory",
			 text, last_part(text, part));
}

struct text {
	size_t len;
	char text[PST_PATTERN_SIZE];
};

/* The wildcards of a pattern, the text before the first, and the text after the last of them. */
struct shape {
	size_t n_stars, n_others; /* '*'; '?' and sets */
	struct text head, tail;
};

/* Ends the current text before a wildcard. The text before the first wildcard is the head. */
static void end_text(struct shape *shape)
{
	if (shape->n_stars + shape->n_others == 0)
		shape->head = shape->tail;
	shape->tail.len = 0;
}

static int scan(const char *text, struct shape *shape, struct pst_error *error)
{
	for (const char *p = text; *p; p++) {
		switch (*p) {
		case '*':
			end_text(shape);
			shape->n_stars++;
			continue;
		case '?':
			end_text(shape);
			shape->n_others++;
			continue;
		case '[':
			end_text(shape);
			shape->n_others++;
			p = end_of_set(p);
			if (!p)
				return error_set(error, -EINVAL,
						 "'%.255s' has a '[' that is not followed by "
						 "characters and a ']'; write \\[ for the "
						 "character itself",
						 text);
			continue;
		case '\\':
			if (!*++p)
				return error_set(error, -EINVAL,
						 "'%.255s' ends in a backslash: write \\\\ for a "
						 "backslash, or add the character that it quotes",
						 text);
		}
		shape->tail.text[shape->tail.len++] = *p;
	}
	if (shape->n_stars + shape->n_others == 0)
		shape->head = shape->tail;
	return 0;
}

/* Makes a key of the beginning of a text, or, byte by byte backwards, of its end. */
static struct pattern_key make_key(const char *text, size_t len, bool from_end)
{
	struct pattern_key key = { .len = len < KEY_SIZE ? len : KEY_SIZE };

	for (size_t i = 0; i < key.len; i++) {
		uint64_t byte = (unsigned char)text[from_end ? len - 1 - i : i];

		key.word[i / 8] |= byte << (56 - 8 * (i % 8));
	}
	return key;
}

int pattern_parse(const char *text, struct pattern *ret_pattern, struct pst_error *error)
{
	struct pattern pattern = { 0 };
	struct shape shape = { 0 };
	bool one_star;
	int r;

	if (!*text)
		return error_set(error, -EINVAL,
				 "a pattern is empty: write names or globs, separated by ':'");
	if (strlen(text) >= PST_PATTERN_SIZE)
		return error_set(error, -ENAMETOOLONG,
				 "'%.60s...' is longer than %d bytes, the longest name", text,
				 PST_PATTERN_SIZE - 1);
	r = scan(text, &shape, error);
	if (r < 0)
		return r;
	one_star = shape.n_stars == 1 && !shape.n_others;
	pattern.begin = make_key(shape.head.text, shape.head.len, false);
	pattern.begin_kind = pattern.end_kind = PST_PATTERN_GLOB;
	if (shape.head.len <= KEY_SIZE && shape.n_stars + shape.n_others == 0)
		pattern.begin_kind = PST_PATTERN_EXACT;
	else if (shape.head.len <= KEY_SIZE && one_star && !shape.tail.len)
		pattern.begin_kind = PST_PATTERN_OPEN;
	pattern.end = make_key(shape.tail.text, shape.tail.len, true);
	if (shape.tail.len <= KEY_SIZE && one_star && !shape.head.len)
		pattern.end_kind = PST_PATTERN_OPEN;
	pattern.len = strlen(text);
	memcpy(pattern.text, text, pattern.len);
	*ret_pattern = pattern;
	return 0;
}
