// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * pretend LOWER MOUNTPOINT [cache=auto|none|ttl|exclusive] [transport=dev|uring] [passthrough=off]
 *
 * Shows a view in which users can change modes and owners, while the files below keep theirs. It is
 * an example of a server that decides some attributes of files whose data is passed through.
 *
 * While it runs, `penstock stat MOUNTPOINT`, `penstock trace --all MOUNTPOINT` and `penstock
 * filter` work on the view. SIGHUP drops all changes, SIGTERM unmounts the view. At the end the
 * program prints how many requests of each kind the kernel sent. Reads and writes are not among
 * them.
 *
 *	cc -o pretend pretend.c $(pkg-config --cflags --libs penstock)
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <err.h>
#include <errno.h>
#include <linux/stat.h>
#include <penstock/penstock.h>
#include <pthread.h>
#include <search.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The attributes that users have set on a file; mask has the fields that are valid. */
struct record {
	uint32_t dev_major, dev_minor, handle_len;
	unsigned char handle[64];
	uint64_t ino, nodeid;
	uint32_t mask, mode, uid, gid;
};

static void *table;                                      /* struct record, by tsearch(3) */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards it */

static int compare(const void *a, const void *b)
{
	const struct record *x = a, *y = b;

	if (x->ino != y->ino)
		return x->ino < y->ino ? -1 : 1;
	/* Another device has a file of the same number, or the number was used again. */
	return memcmp(x, y, offsetof(struct record, ino));
}

static struct record key_of(const struct pst_file *file)
{
	struct record key = {
		.dev_major = file->dev_major,
		.dev_minor = file->dev_minor,
		.ino = file->ino,
		.nodeid = file->nodeid,
	};

	if (file->handle_len && file->handle_len <= sizeof(key.handle)) {
		key.handle_len = file->handle_len;
		memcpy(key.handle, file->handle, file->handle_len);
	}
	return key;
}

static uint32_t fields(void *aux, const struct pst_file *file)
{
	return STATX_MODE | STATX_UID | STATX_GID;
}

/* Puts the changed fields into *stx, which has the attributes of the lower file. */
static int get(void *aux, const struct pst_file *file, struct statx *stx)
{
	struct record key = key_of(file), **found;

	pthread_mutex_lock(&lock);
	found = tfind(&key, &table, compare);
	if (found && ((*found)->mask & STATX_MODE))
		stx->stx_mode = (uint16_t)(*found)->mode;
	if (found && ((*found)->mask & STATX_UID))
		stx->stx_uid = (*found)->uid;
	if (found && ((*found)->mask & STATX_GID))
		stx->stx_gid = (*found)->gid;
	pthread_mutex_unlock(&lock);
	return 0;
}

/*
 * Returns the record of a file, which it creates if there is none, or NULL if out of memory. The
 * caller holds the lock.
 */
static struct record *record_of(const struct pst_file *file)
{
	struct record *new = malloc(sizeof(*new)), **found;

	if (!new)
		return NULL;
	*new = key_of(file);
	found = tsearch(new, &table, compare);
	if (!found || *found != new)
		free(new);
	return found ? *found : NULL;
}

static int set(void *aux, const struct pst_file *file, const struct statx *stx)
{
	struct record *record;

	pthread_mutex_lock(&lock);
	record = record_of(file);
	if (record && (stx->stx_mask & STATX_MODE))
		record->mode = stx->stx_mode;
	if (record && (stx->stx_mask & STATX_UID))
		record->uid = stx->stx_uid;
	if (record && (stx->stx_mask & STATX_GID))
		record->gid = stx->stx_gid;
	if (record)
		record->mask |= stx->stx_mask;
	pthread_mutex_unlock(&lock);
	return record ? 0 : -ENOMEM;
}

/* Takes a record out of the table. Returns NULL if there is none. */
static struct record *take_record(void)
{
	struct record *record = NULL;

	pthread_mutex_lock(&lock);
	if (table) {
		record = *(struct record **)table;
		tdelete(record, &table, compare);
	}
	pthread_mutex_unlock(&lock);
	return record;
}

/*
 * Drops all changes, and invalidates what the kernel has cached of them. Calls the library without
 * the lock, because callbacks take the lock.
 */
static void forget(struct pst_view *view)
{
	struct record *record;

	while ((record = take_record())) {
		pst_view_changed(view, record->nodeid);
		free(record);
	}
}

/* The thread for signals, which all threads block. The main thread ends it by SIGUSR1. */
static void *wait_for_signals(void *arg)
{
	struct pst_view *view = arg;
	sigset_t set;
	int number;

	pthread_sigmask(SIG_BLOCK, NULL, &set);
	while (sigwait(&set, &number) == 0 && number != SIGUSR1) {
		if (number == SIGHUP)
			forget(view);
		else if (pst_view_unmount(view, 0) < 0)
			warnx("the view is in use and stays mounted");
	}
	return NULL;
}

/* Blocks signals in this thread, and in all threads that it starts from now on. */
static void block_signals(void)
{
	static const int numbers[] = { SIGHUP, SIGTERM, SIGINT, SIGUSR1 };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaddset(&set, numbers[i]);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static void choose(struct pst_view_options *options, const char *word)
{
	if (strcmp(word, "cache=auto") == 0)
		options->cache = PST_CACHE_AUTO;
	else if (strcmp(word, "cache=none") == 0)
		options->cache = PST_CACHE_NONE;
	else if (strcmp(word, "cache=ttl") == 0)
		options->cache = PST_CACHE_TTL;
	else if (strcmp(word, "cache=exclusive") == 0)
		options->cache = PST_CACHE_EXCLUSIVE;
	else if (strcmp(word, "transport=dev") == 0)
		options->transport = PST_TRANSPORT_DEV;
	else if (strcmp(word, "transport=uring") == 0)
		options->transport = PST_TRANSPORT_URING;
	else if (strcmp(word, "passthrough=on") == 0)
		options->passthrough = PST_PASSTHROUGH_ON;
	else if (strcmp(word, "passthrough=off") == 0)
		options->passthrough = PST_PASSTHROUGH_OFF;
	else
		errx(2, "no such option: %s", word);
}

int main(int argc, char **argv)
{
	struct pst_server server = {
		.size = sizeof(server),
		.fields = fields,
		.getattr = get,
		.setattr = set,
	};
	struct pst_view_options options = PST_VIEW_OPTIONS_INIT;
	struct pst_op_stat rows[64];
	struct pst_error error;
	struct pst_view *view;
	pthread_t thread;
	size_t n;
	int r;

	if (argc < 3)
		errx(2, "usage: pretend LOWER MOUNTPOINT [OPTION...]");
	options.lower = argv[1];
	options.mountpoint = argv[2];
	options.server = &server;
	for (int i = 3; i < argc; i++)
		choose(&options, argv[i]);
	block_signals();
	if (pst_view_mount(&options, &view, &error) < 0)
		errx(1, "%s", error.text);
	if (pthread_create(&thread, NULL, wait_for_signals, view) != 0)
		errx(1, "no thread");
	r = pst_view_wait(view);
	pthread_kill(thread, SIGUSR1);
	pthread_join(thread, NULL);
	pst_view_op_stats(view, rows, 64, &n);
	for (size_t i = 0; i < n && i < 64; i++)
		printf("%s %llu\n", rows[i].name, (unsigned long long)rows[i].n_requests);
	pst_view_free(view);
	return r < 0;
}
