// SPDX-License-Identifier: LGPL-2.1-or-later
/* A ring of lines. next is where the next line goes: behind the newest one. */
#include "request/trace-kept.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void kept_fini(struct kept *kept)
{
	for (size_t i = 0; i < kept->n; i++)
		free(kept->lines[i]);
	free(kept->lines);
	pthread_mutex_destroy(&kept->lock);
}

/* Returns line i, counted from the oldest. Caller holds the lock. */
static char *line_at(const struct kept *kept, size_t i)
{
	return kept->lines[kept->n < kept->room ? i : (kept->next + i) % kept->room];
}

/* Makes room for more lines. Returns false if out of memory. Caller holds the lock. */
static bool grow(struct kept *kept, size_t room)
{
	char **lines = calloc(room, sizeof(*lines));

	if (!lines)
		return false;
	for (size_t i = 0; i < kept->n; i++)
		lines[i] = line_at(kept, i);
	free(kept->lines);
	kept->lines = lines;
	kept->room = room;
	kept->next = kept->n;
	return true;
}

void kept_add(struct kept *kept, const char *text, size_t len, size_t room)
{
	char *line = malloc(len + 2);

	if (!line)
		return;
	memcpy(line, text, len);
	strcpy(line + len, "\n");
	pthread_mutex_lock(&kept->lock);
	if (kept->room >= room || grow(kept, room)) {
		char **to = &kept->lines[kept->next];

		/* Swaps, so that the lock is not held while free() runs. */
		char *old = *to;

		*to = line;
		line = old;
		kept->next = (kept->next + 1) % kept->room;
		kept->n += kept->n < kept->room;
	}
	pthread_mutex_unlock(&kept->lock);
	free(line);
}

char *kept_text(struct kept *kept, size_t *ret_len)
{
	char *text = NULL;
	FILE *file = open_memstream(&text, ret_len);

	if (!file)
		return NULL;
	pthread_mutex_lock(&kept->lock);
	for (size_t i = 0; i < kept->n; i++)
		fputs(line_at(kept, i), file);
	pthread_mutex_unlock(&kept->lock);
	if (fclose(file) != 0) {
		free(text);
		return NULL;
	}
	return text;
}
