// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Directory cursors, for views without OPENDIR: directories that stand at an offset between two
 * requests of a listing.
 *
 * READDIR then names a node and an offset only. Opening the directory for each request would cost
 * an open each, and on file systems that keep the position in the descriptor (dir.c) the offset
 * alone is wrong once names have been removed. So a READDIR leaves its handle here, and the READDIR
 * with the next offset takes it. Two readers at the same offset have a handle each.
 *
 * A reader that stops before the end leaves its handle behind. There are few cursors: a new one
 * replaces the oldest, and one that has seen two ticks is closed.
 *
 * Lock: lock, for all that follows it.
 */
#include "fs/fs-private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CURSORS 64

struct cursors {
	pthread_mutex_t lock;
	unsigned int n;
	struct place {
		struct handle *handle; /* counted */
		uint64_t off;          /* where it stands */
		bool seen;             /* it has seen a tick */
	} at[MAX_CURSORS];             /* the oldest first */
};

int cursors_new(struct cursors **ret_cursors)
{
	struct cursors *cursors = calloc(1, sizeof(*cursors));

	if (!cursors)
		return -ENOMEM;
	pthread_mutex_init(&cursors->lock, NULL);
	*ret_cursors = cursors;
	return 0;
}

/* Caller holds the lock, and gets the reference. */
static struct handle *take_out(struct cursors *cursors, unsigned int i)
{
	struct handle *handle = cursors->at[i].handle;

	cursors->n--;
	memmove(&cursors->at[i], &cursors->at[i + 1], (cursors->n - i) * sizeof(cursors->at[0]));
	return handle;
}

struct handle *cursors_take(struct fs *fs, const struct node *node, uint64_t off)
{
	struct cursors *cursors = fs->cursors;
	struct handle *handle = NULL;

	pthread_mutex_lock(&cursors->lock);
	for (unsigned int i = 0; i < cursors->n && !handle; i++)
		if (cursors->at[i].handle->node == node && cursors->at[i].off == off)
			handle = take_out(cursors, i);
	pthread_mutex_unlock(&cursors->lock);
	return handle;
}

/* Moves the cursor of a handle that has one, else returns false; caller holds the lock. */
static bool moves_on(struct cursors *cursors, const struct handle *handle, uint64_t off)
{
	for (unsigned int i = 0; i < cursors->n; i++) {
		if (cursors->at[i].handle != handle)
			continue;
		cursors->at[i].off = off;
		return true;
	}
	return false;
}

void cursors_put(struct fs *fs, struct handle *handle, uint64_t off)
{
	struct cursors *cursors = fs->cursors;
	struct handle *oldest = NULL;
	bool first = false;

	pthread_mutex_lock(&cursors->lock);
	if (!moves_on(cursors, handle, off)) {
		if (cursors->n == MAX_CURSORS)
			oldest = take_out(cursors, 0);
		first = cursors->n == 0;
		cursors->at[cursors->n++] =
			(struct place){ .handle = handle_get(handle), .off = off };
	}
	pthread_mutex_unlock(&cursors->lock);
	handle_put(fs->handles, oldest);
	if (first)
		fs->config.host.want_tick(fs->config.host.aux);
}

bool cursors_tick(struct fs *fs)
{
	struct cursors *cursors = fs->cursors;
	struct handle *old[MAX_CURSORS];
	unsigned int n = 0;
	bool left;

	pthread_mutex_lock(&cursors->lock);
	/* An older cursor has seen as many ticks as a younger one, or more. */
	while (cursors->n && cursors->at[0].seen)
		old[n++] = take_out(cursors, 0);
	for (unsigned int i = 0; i < cursors->n; i++)
		cursors->at[i].seen = true;
	left = cursors->n;
	pthread_mutex_unlock(&cursors->lock);
	while (n)
		handle_put(fs->handles, old[--n]);
	return left;
}

struct cursors *cursors_free(struct fs *fs)
{
	struct cursors *cursors = fs->cursors;

	if (!cursors)
		return NULL;
	while (cursors->n)
		handle_put(fs->handles, take_out(cursors, 0));
	pthread_mutex_destroy(&cursors->lock);
	free(cursors);
	return NULL;
}
