// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The suggestion is the candidate with the smallest edit distance: the number of letters to change,
 * insert, delete or swap with the next. Among candidates at the same distance, the candidate with
 * the longest common prefix wins, because mistakes are rarer at the beginning. At most a third of
 * the letters may differ. No state, no locks.
 */
#include "util/suggest.h"

#include <stdio.h>
#include <string.h>

#define MAX_WORD 63

static unsigned int min2(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/*
 * Returns the edit distance. Keeps the last three rows of the table of prefixes, because a swap
 * uses the row before the last.
 */
static unsigned int edits(const char *a, size_t a_len, const char *b, size_t b_len)
{
	unsigned int rows[3][MAX_WORD + 1];

	for (size_t j = 0; j <= b_len; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		unsigned int *row = rows[i % 3], *above = rows[(i - 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			row[j] = min2(min2(above[j], row[j - 1]) + 1,
				      above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = min2(row[j], rows[(i - 2) % 3][j - 2] + 1);
		}
	}
	return rows[a_len % 3][b_len];
}

static unsigned int common_prefix(const char *a, const char *b)
{
	unsigned int n = 0;

	while (a[n] && a[n] == b[n])
		n++;
	return n;
}

void suggest_try(struct suggestion *suggestion, const char *written, const char *candidate)
{
	size_t written_len = strlen(written), len = strlen(candidate);
	unsigned int distance, prefix = common_prefix(written, candidate);

	if (written_len > MAX_WORD || len > MAX_WORD)
		return;
	distance = edits(written, written_len, candidate, len);
	if (distance > suggestion->distance || distance > (written_len + 2) / 3 || distance >= len)
		return;
	if (distance == suggestion->distance && prefix <= suggestion->prefix)
		return;
	suggestion->distance = distance;
	suggestion->prefix = prefix;
	snprintf(suggestion->word, sizeof(suggestion->word), "%s", candidate);
}
