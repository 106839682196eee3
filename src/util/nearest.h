/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Of several words, the one that somebody who mistyped another most likely meant. */

struct nearest {
	char word[64];			/* the best so far; "": none is near */
	unsigned int distance;
	unsigned int prefix;		/* letters at the beginning that are right */
};
#define NEAREST_INIT                                                                               \
	{                                                                                          \
		.distance = ~0U,                                                                   \
	}

/* Considers a candidate for what was written. */
void nearest_try(struct nearest *nearest, const char *written, const char *candidate);
