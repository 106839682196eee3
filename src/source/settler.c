// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The thread that settles filled files and pieces, SETTLE_MS after the first of a batch was filled:
 * fs_settle() writes them to the disk, and removes the marks of files that are whole. After a power
 * failure, the others are fetched again. The lock of the source guards struct settler.
 */
#include "fs/hollow.h"
#include "source/source-private.h"
#include "util/clock.h"
#include "util/thread.h"

#include <stdlib.h>

#define SETTLE_MS 1000

/* Adds nodes to the list, with their references. Returns false if there is no memory. */
static bool append(struct settler *settler, struct node **nodes, size_t n)
{
	struct node **list = settler->nodes;

	if (settler->n + n > settler->room) {
		settler->room = 2 * (settler->n + n);
		list = realloc(list, settler->room * sizeof(struct node *));
	}
	if (!list) {
		settler->room = settler->n;
		return false;
	}
	settler->nodes = list;
	for (size_t i = 0; i < n; i++)
		list[settler->n++] = nodes[i];
	return true;
}

/* Settles a file. Returns true if it has to be settled again. */
static bool settle_file(struct source *source, struct node *node, bool synced)
{
	bool was_whole = fs_is_whole(node);
	int r = fs_settle(source->fs, node, synced);

	/* All pieces are on the disk: the mark goes when no client changes the file. */
	if (r == FS_UNSETTLED && !was_whole) {
		r = FS_WOULD_WAIT;
		if (source_hold(source, node)) {
			r = fs_finish(source->fs, node);
			source_release(source, node);
		}
	}
	if (!was_whole && fs_is_whole(node))
		limit_count(source, node, fs_length(source->fs, node));
	return r == FS_WOULD_WAIT || r == FS_UNSETTLED;
}

/* Settles the files of the list. Caller holds the lock, which is released meanwhile. */
static void settle(struct source *source)
{
	struct settler *settler = &source->settler;
	struct node **nodes = settler->nodes;
	size_t n = settler->n, n_left = 0;
	bool synced;

	settler->nodes = NULL;
	settler->n = settler->room = 0;
	pthread_mutex_unlock(&source->lock);
	synced = fs_settle_begin(source->fs, nodes, n);
	for (size_t i = 0; i < n; i++) {
		if (settle_file(source, nodes[i], synced))
			nodes[n_left++] = nodes[i];
		else
			fs_node_put(source->fs, nodes[i]);
	}
	pthread_mutex_lock(&source->lock);
	if (!n_left || (!settler->ends && append(settler, nodes, n_left))) {
		free(nodes);
		return;
	}
	/* Without memory, or at the end, the next view settles them, or fetches them again. */
	pthread_mutex_unlock(&source->lock);
	while (n_left)
		fs_node_put(source->fs, nodes[--n_left]);
	free(nodes);
	pthread_mutex_lock(&source->lock);
}

static void *settler_main(void *arg)
{
	struct source *source = arg;
	struct settler *settler = &source->settler;

	fs_thread_init();
	pthread_mutex_lock(&source->lock);
	while (!settler->ends || settler->n) {
		if (!settler->n) {
			pthread_cond_wait(&settler->wake, &source->lock);
			continue;
		}
		if (!settler->ends)
			clock_cond_wait_ms(&settler->wake, &source->lock, SETTLE_MS);
		settle(source);
	}
	pthread_mutex_unlock(&source->lock);
	return NULL;
}

void settler_add(struct source *source, struct node *node)
{
	struct settler *settler = &source->settler;

	pthread_mutex_lock(&source->lock);
	if (!settler->runs && !settler->ends)
		settler->runs = thread_create(&settler->thread, NULL, settler_main, source) == 0;
	/* If this fails, the mark stays, and the next view settles the file. */
	if (!settler->ends && append(settler, &node, 1))
		node_get(node);
	if (settler->n == 1)
		pthread_cond_signal(&settler->wake);
	pthread_mutex_unlock(&source->lock);
}

void settler_stop(struct source *source)
{
	struct settler *settler = &source->settler;

	pthread_mutex_lock(&source->lock);
	settler->ends = true;
	pthread_cond_signal(&settler->wake);
	if (!settler->runs && settler->n)
		settle(source);
	pthread_mutex_unlock(&source->lock);
	if (settler->runs)
		pthread_join(settler->thread, NULL);
}
