// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Directory cursors, for views without OPENDIR. A cursor is an open directory and the offset at
 * which its last READDIR has ended.
 *
 * In such a view READDIR has a nodeid and an offset only. Opening the directory for each request
 * would be slow; and on file systems that keep the position in the descriptor (dir.c), the offset
 * alone leads to the wrong name once names have been removed. So a READDIR stores its handle here,
 * and the READDIR with the next offset takes the handle out. Two readers at the same offset have a
 * handle each.
 *
 * A reader that stops before the end of the directory never takes its handle out. So there are at
 * most CURSORS_MAX cursors: a new cursor replaces the oldest, and a cursor that has been stored for
 * two ticks is closed.
 *
 * Locking: cursors.lock guards all of struct cursors. Holders take no other lock.
 */
#include "fs/fs-private.h"

#include <string.h>

/* Removes a cursor. Returns its handle and the reference. Caller holds the lock. */
static struct handle *take_out(struct cursors *cursors, unsigned int i)
{
	struct handle *handle = cursors->at[i].handle;

	cursors->n--;
	memmove(&cursors->at[i], &cursors->at[i + 1], (cursors->n - i) * sizeof(cursors->at[0]));
	return handle;
}

struct handle *cursors_take(struct fs *fs, const struct node *node, uint64_t off)
{
	struct cursors *cursors = &fs->cursors;
	struct handle *handle = NULL;

	pthread_mutex_lock(&cursors->lock);
	for (unsigned int i = 0; i < cursors->n && !handle; i++)
		if (cursors->at[i].handle->node == node && cursors->at[i].off == off)
			handle = take_out(cursors, i);
	pthread_mutex_unlock(&cursors->lock);
	return handle;
}

/* Moves the handle's cursor. Returns false if the handle has none. Caller holds the lock. */
static bool move(struct cursors *cursors, const struct handle *handle, uint64_t off)
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
	struct cursors *cursors = &fs->cursors;
	struct handle *oldest = NULL;

	pthread_mutex_lock(&cursors->lock);
	if (!move(cursors, handle, off)) {
		if (cursors->n == CURSORS_MAX)
			oldest = take_out(cursors, 0);
		cursors->at[cursors->n++] =
			(struct cursor){ .handle = handle_get(handle), .off = off };
	}
	pthread_mutex_unlock(&cursors->lock);
	handle_put(fs->handles, oldest);
	fs->config.host.want_tick(fs->config.host.aux);
}

bool cursors_tick(struct fs *fs)
{
	struct cursors *cursors = &fs->cursors;
	struct handle *old[CURSORS_MAX];
	unsigned int n = 0;
	bool left;

	pthread_mutex_lock(&cursors->lock);
	/* Cursors are in the order of their age, so those that have seen a tick come first. */
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
