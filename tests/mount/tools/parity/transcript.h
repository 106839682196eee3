/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_TRANSCRIPT_H
#define TESTS_TRANSCRIPT_H
/* The notes of a scenario, in memory that is shared with the scenario's process. */
#include <stdbool.h>
#include <stddef.h>

struct transcript {
	size_t used;
	bool agree; /* compare view and lower after each call */
	unsigned int compare_flags;
	unsigned long n_disagreements;
	char disagreement[1024]; /* the first one, in words */
	char last_call[512];
	char text[4 << 20];
};

#endif
