// SPDX-License-Identifier: LGPL-2.1-or-later
/* One name or glob, taken apart. */
#include "filter/pattern.h"
#include "util/log.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define KEY_SIZE (PST_KEY_WORDS * sizeof(uint64_t))

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
	struct {
		size_t len;
		char text[PST_PATTERN_SIZE];
	} head, tail; /* characters that stand for themselves: before all others, behind all others */
};

/* The characters so far, since the last that stands for others, were the head if it is the first. */
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
		case '/':
			return error_set(error, -EINVAL,
					 "'%.255s' is a path: what is wanted here are names, which "
					 "hold in every directory",
					 text);
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
						 "'%.255s' has a '[' without characters and a ']' "
						 "after it; write \\[ for the character itself",
						 text);
			continue;
		case '\\':
			if (!*++p)
				return error_set(
					error, -EINVAL,
					"'%.255s' ends in a backslash, which stands before "
					"the character that it takes the meaning from",
					text);
		}
		shape->tail.text[shape->tail.len++] = *p;
	}
	if (shape->n_stars + shape->n_others == 0)
		shape->head = shape->tail;
	return 0;
}

/* Byte I of the text, counted from its end or not, is byte I of the key; what is too long is cut. */
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
				 "'%.60s...' is longer than %d bytes, as no name is", text,
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
