// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Which word was meant: the one with the fewest letters to change, add or drop. A word that shares
 * less than half of its letters with what was written is not offered.
 */
#include "filter/nearest.h"

#include <stdio.h>
#include <string.h>

#define MAX_WORD 63

static unsigned int min3(unsigned int a, unsigned int b, unsigned int c)
{
	a = a < b ? a : b;
	return a < c ? a : c;
}

static unsigned int edits(const char *a, size_t a_len, const char *b, size_t b_len)
{
	unsigned int row[MAX_WORD + 1];

	for (size_t j = 0; j <= b_len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		unsigned int diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			unsigned int above = row[j];

			row[j] = min3(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[b_len];
}

void nearest_try(struct nearest *nearest, const char *written, const char *candidate)
{
	size_t written_len = strlen(written), len = strlen(candidate);
	unsigned int distance;

	if (written_len > MAX_WORD || len > MAX_WORD)
		return;
	distance = edits(written, written_len, candidate, len);
	if (distance >= nearest->distance || 2 * distance > (len > written_len ? len : written_len))
		return;
	nearest->distance = distance;
	snprintf(nearest->word, sizeof(nearest->word), "%s", candidate);
}
