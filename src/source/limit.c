// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Keeps the fetched bytes below a limit (max_bytes): a thread evicts files, those first that were
 * not opened for the longest time. It finds the files in LOWER itself, each time that the bytes
 * pass the limit, so nothing but the times of the last opens has to be in memory. For a file of
 * which the time is not known, the access time of the lower file counts: it was opened before this
 * program started, or before many others. The thread frees a sixteenth more than necessary, so that
 * it need not search soon again.
 *
 * limit->lock guards struct limit, except what is constant. No other lock is taken under it.
 */
#include "fs/hollow.h"
#include "source/source-private.h"
#include "util/clock.h"
#include "util/hash.h"
#include "util/log.h"
#include "util/thread.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

/* The thread searches again after this time if open files keep the bytes above the limit. */
#define PAUSE_MS 1000

/* Files of which the time of the last open is in memory; in a set, the latest ones stay. */
#define N_SETS   (1 << 14)
#define SET_SIZE 4

/* When a file was last opened. */
struct limit_open {
	uint64_t ino;
	dev_t dev;
	struct timespec at; /* 0: none */
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
	bool refused;   /* a file could not be evicted */
};

static int compare_times(const struct timespec *x, const struct timespec *y)
{
	if (x->tv_sec != y->tv_sec)
		return x->tv_sec < y->tv_sec ? -1 : 1;
	return (x->tv_nsec > y->tv_nsec) - (x->tv_nsec < y->tv_nsec);
}

static int compare(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	return compare_times(&x->at, &y->at);
}

/* Returns the entry of a file, or the one that makes room for it. Caller holds the lock. */
static struct limit_open *find(struct limit *limit, uint64_t ino, dev_t dev)
{
	struct limit_open *set = limit->opens + hash_mix(ino ^ hash_mix(dev)) % N_SETS * SET_SIZE;
	struct limit_open *oldest = set;

	for (int i = 0; i < SET_SIZE; i++) {
		if (set[i].ino == ino && set[i].dev == dev)
			return &set[i];
		if (compare_times(&set[i].at, &oldest->at) < 0)
			oldest = &set[i];
	}
	return oldest;
}

static bool add_candidate(void *aux, const char *path, const struct stat *st)
{
	struct candidates *all = aux;
	const struct limit_open *open;
	struct candidate file = { .at = st->st_atim, .bytes = (uint64_t)st->st_size };
	bool ends;

	pthread_mutex_lock(&all->limit->lock);
	open = find(all->limit, st->st_ino, st->st_dev);
	if (open->ino == st->st_ino && open->dev == st->st_dev)
		file.at = open->at;
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

/* Logs that a file cannot be evicted: the first one of a search, unless it was the last time. */
static void log_refused(struct candidates *all, const char *path, int r)
{
	uint64_t *logged = &all->limit->logged, hash = hash_bytes((uint64_t)r, path, strlen(path));

	if (!all->refused && *logged != hash)
		log_warning("cannot evict '%s' of LOWER, a fetched file, to keep the limit of "
			    "max_bytes: %s",
			    path, strerror(-r));
	*logged = all->refused ? *logged : hash;
	all->refused = true;
}

/* Evicts a file. Returns true if its bytes are free. */
static bool evict(struct source *source, struct candidates *all, const struct candidate *file)
{
	struct node *node;
	int r = fs_walk_path(source->fs, file->path, &node);

	if (r < 0)
		return false;
	r = source->limit.evict(source, node);
	fs_node_put(source->fs, node);
	if (r < 0 && r != -EBUSY)
		log_refused(all, file->path, r);
	return r == 0;
}

/* Evicts files until the bytes are below the limit, if that is possible. Returns the bytes. */
static uint64_t evict_oldest(struct source *source)
{
	struct candidates all = { .limit = &source->limit };
	uint64_t max = source->given.max_bytes;

	fs_each_filled(source->fs, add_candidate, &all);
	qsort(all.list, all.n, sizeof(*all.list), compare);
	if (all.bytes > max)
		max -= max / 16;
	for (size_t i = 0; i < all.n; i++) {
		if (all.bytes > max && !source->limit.ends && evict(source, &all, &all.list[i]))
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

/* Starts the thread. Returns false if it does not run. Caller holds the lock. */
static bool start(struct source *source)
{
	struct limit *limit = &source->limit;

	if (limit->ends)
		return false;
	if (!limit->opens)
		limit->opens = calloc((size_t)N_SETS * SET_SIZE, sizeof(*limit->opens));
	if (limit->opens && !limit->runs)
		limit->runs = thread_create(&limit->thread, NULL, limit_main, source) == 0;
	return limit->runs;
}

void limit_count(struct source *source, const struct node *node, uint64_t fetched)
{
	struct limit *limit = &source->limit;
	struct limit_open *open;
	uint32_t major, minor;

	if (!source->given.max_bytes)
		return;
	fs_node_device(source->fs, node, &major, &minor);
	pthread_mutex_lock(&limit->lock);
	if (start(source)) {
		open = find(limit, node->ino, makedev(major, minor));
		open->ino = node->ino;
		open->dev = makedev(major, minor);
		clock_gettime(CLOCK_REALTIME, &open->at);
		limit->bytes += fetched;
		if (fetched && limit->bytes > source->given.max_bytes)
			pthread_cond_signal(&limit->wake);
	}
	pthread_mutex_unlock(&limit->lock);
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
	free(limit->opens);
	limit->opens = NULL;
}
