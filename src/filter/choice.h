/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A quick test of names for filters that declare PST_CHOOSES: a name whose first and last bytes go
 * with no pattern of the option names matches none of them. If also no component of a path can come
 * next, because the cell of the directory is 0, the program for names need not run: it would pass
 * the name, set child.cell to 0, and exclude the file unless it is a directory.
 */
#include "filter/port.h"

struct filter_choice {
	uint64_t known; /* 0: nothing is known, so all names can match */
	/*
	 * Sets of bytes, a bit for each: the first two bytes of names that match a pattern by its
	 * beginning, and the last two of names that match one by its end, the last one first.
	 */
	uint64_t begin[2][4], end[2][4];
};

static inline bool choice_has(const uint64_t set[4], char c)
{
	return set[(unsigned char)c >> 6] >> ((unsigned char)c & 63) & 1;
}

/* Returns false if no pattern matches a name of len bytes and a NUL. */
static inline bool choice_can_match(const struct filter_choice *choice, const char *name,
				    size_t len)
{
	if (!choice->known || !len)
		return true;
	if (choice_has(choice->begin[0], name[0]) && choice_has(choice->begin[1], name[1]))
		return true;
	return choice_has(choice->end[0], name[len - 1]) &&
	       choice_has(choice->end[1], len > 1 ? name[len - 2] : '\0');
}
