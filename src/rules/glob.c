// SPDX-License-Identifier: LGPL-2.1-or-later
/* Matches and compares globs of one component, as rules/pattern.c writes them. No state. */
#include "rules/pattern.h"

#include <string.h>

static unsigned char next_char(const char **p)
{
	if (**p == '\\')
		(*p)++;
	return (unsigned char)*(*p)++;
}

static void read_set(const char **p, bool bits[256])
{
	bool negated = **p == '!';

	*p += negated;
	memset(bits, negated, 256);
	while (**p && **p != ']') {
		unsigned int from = next_char(p), to = from;

		if (**p == '-' && (*p)[1] != ']') {
			(*p)++;
			to = next_char(p);
		}
		for (unsigned int c = from; c <= to; c++)
			bits[c] = !negated;
	}
	*p += **p == ']';
}

/* Returns whether the character matches the element at *p, and moves *p behind the element. */
static bool step(const char **p, unsigned char c)
{
	bool bits[256];

	switch (**p) {
	case '?':
		(*p)++;
		return true;
	case '[':
		(*p)++;
		read_set(p, bits);
		return bits[c];
	default:
		return next_char(p) == c;
	}
}

bool rule_glob_matches(const char *glob, const char *name)
{
	const char *star = NULL, *star_name = NULL;

	while (*name) {
		const char *p = glob;

		if (*glob == '*') {
			star = ++glob;
			star_name = name;
			continue;
		}
		if (*glob && step(&p, (unsigned char)*name)) {
			glob = p;
			name++;
			continue;
		}
		if (!star)
			return false;
		glob = star;
		name = ++star_name;
	}
	while (*glob == '*')
		glob++;
	return !*glob;
}

void rule_glob_init(struct rule_glob *glob, const char *text)
{
	bool bits[256];

	*glob = (struct rule_glob){ .text = text, .is_name = true };
	while (*text) {
		if (strchr("*?[", *text)) {
			glob->n_tail = 0;
			glob->is_name = false;
			if (*text++ == '[')
				read_set(&text, bits);
			continue;
		}
		glob->tail[glob->n_tail++] = (char)next_char(&text);
		if (glob->is_name)
			glob->head[glob->n_head++] = glob->tail[glob->n_tail - 1];
	}
	glob->head[glob->n_head] = glob->tail[glob->n_tail] = '\0';
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

bool rule_globs_may_meet(const struct rule_glob *a, const struct rule_glob *b)
{
	size_t n_tail = least(a->n_tail, b->n_tail);

	if (a->is_name)
		return rule_glob_matches(b->text, a->head);
	if (b->is_name)
		return rule_glob_matches(a->text, b->head);
	return memcmp(a->head, b->head, least(a->n_head, b->n_head)) == 0 &&
	       memcmp(a->tail + a->n_tail - n_tail, b->tail + b->n_tail - n_tail, n_tail) == 0;
}
