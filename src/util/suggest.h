/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Suggests the word that a user most likely meant by a mistyped one: "did you mean ...?" */

struct suggestion {
	char word[64]; /* the best so far; "": no candidate is near enough */
	unsigned int distance;
	unsigned int prefix; /* of the common prefix */
};
#define SUGGESTION_INIT                                                                            \
	{                                                                                          \
		.distance = ~0U,                                                                   \
	}

/* Makes candidate the suggestion for written if it is nearer than the one before. */
void suggest_try(struct suggestion *suggestion, const char *written, const char *candidate);
