/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Random patterns and paths of few names, so that many patterns match many paths. */
#include "../random.h"

#include "rules/pattern.h"

static const char *const random_names[] = {
	"a", "b", "ab", "ba", "abb", "a.b", ".a", "a b", "]", "a-b", "*", "b[", "!a", "#b", "b\\",
};

/* Pieces of components, as git and Penstock write them. */
static const char *const random_pieces[] = {
	"a",      "b",    "ab",   "*",           "*",     "?",           ".a",
	"[ab]",   "[!a]", "[^b]", "[a-c]",       "[]a]",  "[[:alpha:]]", "[![:alpha:].]",
	"[a\\-]", "[-a]", "\\*",  "\\ ",         "-",     "]",           "\\[",
	"\\\\",   "\\!",  "\\#",  "[[:punct:]]", "[]-a]", "[!a-]",
};

static inline void random_component(struct random *random, char *text, size_t *len)
{
	unsigned int n = 1 + random_below(random, 3);
	bool star = false;

	while (n--) {
		const char *piece = random_pieces[random_below(random, N(random_pieces))];

		/* git 2.39 takes "a**" before a '/' for "a" and "**". */
		if (star && *piece == '*')
			continue;
		star = *piece == '*';
		*len += (size_t)sprintf(text + *len, "%s", piece);
	}
}

/* Writes a pattern of up to three components, without "!". */
static inline void random_pattern(struct random *random, char *text)
{
	unsigned int n = 1 + random_below(random, 3);
	size_t len = 0;

	if (random_below(random, 3) == 0)
		text[len++] = '/';
	for (unsigned int i = 0; i < n; i++) {
		if (i)
			text[len++] = '/';
		if (random_below(random, 5) == 0)
			len += (size_t)sprintf(text + len, "**");
		else
			random_component(random, text, &len);
	}
	if (random_below(random, 4) == 0)
		text[len++] = '/';
	text[len] = '\0';
}
