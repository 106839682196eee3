/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Suggests the word that a user most likely meant by a mistyped one: "did you mean ...?" */

struct suggestion {
	char word[64];         /* the best candidate so far; "" if none is near enough */
	unsigned int distance; /* edit distance of word */
	unsigned int prefix;   /* length of the prefix that both words have */
};
#define SUGGESTION_INIT                                                                            \
	{                                                                                          \
		.distance = ~0U,                                                                   \
	}

/* Makes candidate the suggestion for the word written if it is nearer than all before. */
void suggest_try(struct suggestion *suggestion, const char *written, const char *candidate);
