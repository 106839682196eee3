// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Directories that nobody opens. In a view without OPENDIR a listing is asked for by node and
 * offset, piece by piece. Each piece could be read by a descriptor of its own, set to the offset;
 * but that opens the directory anew for each, and on file systems that keep the place in the
 * descriptor (see dir.c) the offset alone leads astray when names have gone. So what has been read
 * from is parked until somebody asks for what comes next, where two readers at the same place have
 * one each.
 *
 * Nobody says that he reads no further: who stops before the end leaves a directory behind. They
 * are few, the oldest makes room, and what has seen two ticks goes.
 *
 * Lock: lock, for all that follows it.
 */
#include "fs/fs-private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PARKED 64

struct parked {
	pthread_mutex_t lock;
	unsigned int n;
	struct place {
		struct handle *handle; /* counted */
		uint64_t off;	       /* where it stands */
		bool seen;	       /* by a tick */
	} at[MAX_PARKED];	       /* the oldest first */
};

int parked_new(struct parked **ret_parked)
{
	struct parked *parked = calloc(1, sizeof(*parked));

	if (!parked)
		return -ENOMEM;
	pthread_mutex_init(&parked->lock, NULL);
	*ret_parked = parked;
	return 0;
}

/* Caller holds the lock, and gets the reference. */
static struct handle *take_out(struct parked *parked, unsigned int i)
{
	struct handle *handle = parked->at[i].handle;

	parked->n--;
	memmove(&parked->at[i], &parked->at[i + 1], (parked->n - i) * sizeof(parked->at[0]));
	return handle;
}

struct handle *parked_take(struct fs *fs, const struct node *node, uint64_t off)
{
	struct parked *parked = fs->parked;
	struct handle *handle = NULL;

	pthread_mutex_lock(&parked->lock);
	for (unsigned int i = 0; i < parked->n && !handle; i++)
		if (parked->at[i].handle->node == node && parked->at[i].off == off)
			handle = take_out(parked, i);
	pthread_mutex_unlock(&parked->lock);
	return handle;
}

/* Where a handle that is there already goes on from now, caller holds the lock. */
static bool moves_on(struct parked *parked, const struct handle *handle, uint64_t off)
{
	for (unsigned int i = 0; i < parked->n; i++) {
		if (parked->at[i].handle != handle)
			continue;
		parked->at[i].off = off;
		return true;
	}
	return false;
}

void parked_put(struct fs *fs, struct handle *handle, uint64_t off)
{
	struct parked *parked = fs->parked;
	struct handle *oldest = NULL;
	bool first = false;

	pthread_mutex_lock(&parked->lock);
	if (!moves_on(parked, handle, off)) {
		if (parked->n == MAX_PARKED)
			oldest = take_out(parked, 0);
		first = parked->n == 0;
		parked->at[parked->n++] =
			(struct place){ .handle = handle_get(handle), .off = off };
	}
	pthread_mutex_unlock(&parked->lock);
	handle_put(fs->handles, oldest);
	if (first)
		fs->config.host.want_tick(fs->config.host.aux);
}

bool parked_tick(struct fs *fs)
{
	struct parked *parked = fs->parked;
	struct handle *old[MAX_PARKED];
	unsigned int n = 0;
	bool left;

	pthread_mutex_lock(&parked->lock);
	/* The older have seen as many as the younger, or more. */
	while (parked->n && parked->at[0].seen)
		old[n++] = take_out(parked, 0);
	for (unsigned int i = 0; i < parked->n; i++)
		parked->at[i].seen = true;
	left = parked->n;
	pthread_mutex_unlock(&parked->lock);
	while (n)
		handle_put(fs->handles, old[--n]);
	return left;
}

struct parked *parked_free(struct fs *fs)
{
	struct parked *parked = fs->parked;

	if (!parked)
		return NULL;
	while (parked->n)
		handle_put(fs->handles, take_out(parked, 0));
	pthread_mutex_destroy(&parked->lock);
	free(parked);
	return NULL;
}
