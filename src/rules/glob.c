// SPDX-License-Identifier: LGPL-2.1-or-later
/* Matches and compares globs of one component, as rules/pattern.c writes them. No state. */
#include "rules/pattern.h"

#include <stdint.h>
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

/* -- two globs --------------------------------------------------------------------------------- */

/* A glob as a row of elements: stars, and sets of characters. */
struct elements {
	struct element {
		bool star;
		uint64_t bits[4];
	} row[256];
	size_t n;
};

static void read_elements(struct elements *elements, const char *glob)
{
	elements->n = 0;
	while (*glob && elements->n < sizeof(elements->row) / sizeof(elements->row[0])) {
		struct element *element = &elements->row[elements->n++];
		bool bits[256];
		unsigned char c;

		*element = (struct element){ .star = *glob == '*' };
		if (*glob == '*' || *glob == '?') {
			memset(element->bits, 0xff, sizeof(element->bits));
			glob++;
		} else if (*glob == '[') {
			glob++;
			read_set(&glob, bits);
			for (int k = 0; k < 256; k++)
				element->bits[k / 64] |= (uint64_t)bits[k] << k % 64;
		} else {
			c = next_char(&glob);
			element->bits[c / 64] |= 1ULL << c % 64;
		}
	}
}

static bool share_character(const struct element *a, const struct element *b)
{
	for (int i = 0; i < 4; i++)
		if (a->bits[i] & b->bits[i])
			return true;
	return false;
}

/*
 * Returns whether some name matches both. reached[k] says if a name can be at element i of a and
 * element k of b at the same time.
 */
static bool have_name(const struct elements *a, const struct elements *b)
{
	bool reached[258] = { true }, next[258];

	for (size_t i = 0; i <= a->n; i++) {
		const struct element *in_a = i < a->n ? &a->row[i] : NULL;

		memset(next, 0, sizeof(next));
		for (size_t k = 0; k <= b->n; k++) {
			const struct element *in_b = k < b->n ? &b->row[k] : NULL;

			if (!reached[k])
				continue;
			/* A star stands for nothing, or for what is next in the other glob. */
			if (in_b && (in_b->star || (in_a && in_a->star)))
				reached[k + 1] = true;
			if (in_a && (in_a->star || (in_b && in_b->star)))
				next[k] = true;
			if (in_a && in_b && share_character(in_a, in_b))
				next[k + 1] = true;
		}
		if (i < a->n)
			memcpy(reached, next, sizeof(reached));
	}
	return reached[b->n];
}

bool rule_globs_meet(const struct rule_glob *a, const struct rule_glob *b)
{
	size_t n_tail = least(a->n_tail, b->n_tail);
	struct elements in_a, in_b;

	if (a->is_name)
		return rule_glob_matches(b->text, a->head);
	if (b->is_name)
		return rule_glob_matches(a->text, b->head);
	/* Most pairs of globs differ here already. */
	if (memcmp(a->head, b->head, least(a->n_head, b->n_head)) != 0 ||
	    memcmp(a->tail + a->n_tail - n_tail, b->tail + b->n_tail - n_tail, n_tail) != 0)
		return false;
	read_elements(&in_a, a->text);
	read_elements(&in_b, b->text);
	return have_name(&in_a, &in_b);
}
