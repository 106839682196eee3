// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Keeps the fetched bytes below a limit (max_bytes): a thread evicts files, those first that were
 * not opened for the longest time. It finds the files in LOWER itself, each time that the bytes
 * pass the limit, so nothing but the times of opens has to be in memory; for files that were last
 * opened before this program started, the access time of the lower file counts. It frees a
 * sixteenth more than necessary, so that it need not search soon again.
 *
 * limit->lock guards struct limit, except what is constant. No other lock is taken under it.
 */
#include "fs/hollow.h"
#include "source/source-private.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/thread.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

/* The thread searches again after this time if open files keep the bytes above the limit. */
#define PAUSE_MS 1000

/* When a file was last opened. */
struct opened {
	uint64_t ino;
	struct timespec at;
};

/* A file that can be evicted. */
struct candidate {
	struct timespec at;
	uint64_t bytes;
	char *path; /* owned */
};

struct candidates {
	struct limit *limit;
	struct candidate *list;
	size_t n, room;
	uint64_t bytes; /* of all */
};

static int compare_inodes(const void *a, const void *b)
{
	const struct opened *x = a, *y = b;

	return (x->ino > y->ino) - (x->ino < y->ino);
}

static int compare_times(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->at.tv_sec != y->at.tv_sec)
		return x->at.tv_sec < y->at.tv_sec ? -1 : 1;
	return (x->at.tv_nsec > y->at.tv_nsec) - (x->at.tv_nsec < y->at.tv_nsec);
}

static bool add_candidate(void *aux, const char *path, const struct stat *st)
{
	struct candidates *all = aux;
	struct opened key = { .ino = st->st_ino }, **found;
	struct candidate file = { .at = st->st_atim, .bytes = (uint64_t)st->st_size };
	bool ends;

	pthread_mutex_lock(&all->limit->lock);
	found = tfind(&key, &all->limit->opened, compare_inodes);
	if (found)
		file.at = (*found)->at;
	ends = all->limit->ends;
	pthread_mutex_unlock(&all->limit->lock);
	all->bytes += file.bytes;
	if (all->n == all->room) {
		size_t room = all->room ? 2 * all->room : 256;
		struct candidate *list = realloc(all->list, room * sizeof(*list));

		if (!list)
			return false;
		all->list = list;
		all->room = room;
	}
	file.path = strdup(path);
	if (file.path)
		all->list[all->n++] = file;
	return !ends;
}

/* Evicts a file. Returns true if its bytes are free. */
static bool evict(struct source *source, const struct candidate *file)
{
	struct node *node;
	int r = fs_walk_path(source->fs, file->path, &node);

	if (r < 0)
		return false;
	r = source->limit.evict(source, node);
	fs_node_put(source->fs, node);
	if (r < 0 && r != -EBUSY)
		log_warning("cannot evict a fetched file: %s", strerror(-r));
	return r == 0;
}

/* Evicts files until the bytes are below the limit, if that is possible. Returns the bytes. */
static uint64_t evict_oldest(struct source *source)
{
	struct candidates all = { .limit = &source->limit };
	uint64_t max = source->given.max_bytes;

	fs_each_filled(source->fs, add_candidate, &all);
	qsort(all.list, all.n, sizeof(*all.list), compare_times);
	if (all.bytes > max)
		max -= max / 16;
	for (size_t i = 0; i < all.n; i++) {
		if (all.bytes > max && !source->limit.ends && evict(source, &all.list[i]))
			all.bytes -= all.list[i].bytes;
		free(all.list[i].path);
	}
	free(all.list);
	return all.bytes;
}

static void *limit_main(void *arg)
{
	struct source *source = arg;
	struct limit *limit = &source->limit;

	fs_thread_init();
	pthread_mutex_lock(&limit->lock);
	while (!limit->ends) {
		uint64_t before = limit->bytes, now;

		if (limit->known && limit->bytes <= source->given.max_bytes) {
			pthread_cond_wait(&limit->wake, &limit->lock);
			continue;
		}
		pthread_mutex_unlock(&limit->lock);
		now = evict_oldest(source);
		pthread_mutex_lock(&limit->lock);
		limit->known = true;
		/* Files that were fetched meanwhile may be counted twice, until the next search. */
		limit->bytes = now + (limit->bytes - before);
		if (limit->bytes > source->given.max_bytes && !limit->ends)
			clock_cond_wait_ms(&limit->wake, &limit->lock, PAUSE_MS);
	}
	pthread_mutex_unlock(&limit->lock);
	return NULL;
}

void limit_count(struct source *source, const struct node *node, uint64_t fetched)
{
	struct limit *limit = &source->limit;
	struct opened key = { .ino = node->ino }, *entry, **found;

	if (!source->given.max_bytes)
		return;
	entry = malloc(sizeof(*entry));
	pthread_mutex_lock(&limit->lock);
	if (!limit->runs && !limit->ends)
		limit->runs = thread_create(&limit->thread, NULL, limit_main, source) == 0;
	found = tfind(&key, &limit->opened, compare_inodes);
	if (!found && entry) {
		*entry = key;
		found = tsearch(entry, &limit->opened, compare_inodes);
		if (found)
			entry = NULL;
	}
	if (found)
		clock_gettime(CLOCK_REALTIME, &(*found)->at);
	limit->bytes += fetched;
	if (fetched && limit->bytes > source->given.max_bytes)
		pthread_cond_signal(&limit->wake);
	pthread_mutex_unlock(&limit->lock);
	free(entry);
}

void limit_stop(struct source *source)
{
	struct limit *limit = &source->limit;

	pthread_mutex_lock(&limit->lock);
	limit->ends = true;
	pthread_cond_signal(&limit->wake);
	pthread_mutex_unlock(&limit->lock);
	if (limit->runs)
		pthread_join(limit->thread, NULL);
	tdestroy(limit->opened, free);
	limit->opened = NULL;
}
