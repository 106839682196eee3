// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * pretend LOWER MOUNTPOINT [-o OPTION,...]...
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

/* A thread that waits for SIGHUP. It leaves the other signals to pst_view_run(). */
static void *wait_for_hangups(void *view)
{
	sigset_t set;
	int number;

	sigfillset(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	while (sigwait(&set, &number) == 0)
		forget(view);
	return NULL;
}

static void print_counts(struct pst_view *view)
{
	struct pst_op_stat rows[64];
	size_t n;

	pst_view_op_stats(view, rows, 64, &n);
	for (size_t i = 0; i < n && i < 64; i++)
		printf("%s %llu\n", rows[i].name, (unsigned long long)rows[i].n_requests);
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
	struct pst_error error;
	struct pst_view *view;
	pthread_t thread;
	sigset_t hangup;
	int r = 0;

	if (argc < 3)
		errx(2, "usage: pretend LOWER MOUNTPOINT [-o OPTION,...]");
	options.lower = argv[1];
	options.mountpoint = argv[2];
	options.server = &server;
	for (int i = 4; i < argc && r == 0; i += 2)
		r = pst_view_options_parse(&options, argv[i], NULL, NULL, &error);
	/* pst_view_run() leaves a signal that is blocked to the program. */
	sigemptyset(&hangup);
	sigaddset(&hangup, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &hangup, NULL);
	if (r < 0 || pst_view_mount(&options, &view, &error) < 0)
		errx(1, "%s", error.text);
	if (pthread_create(&thread, NULL, wait_for_hangups, view) != 0)
		errx(1, "no thread");
	r = pst_view_run(view);
	pthread_cancel(thread);
	pthread_join(thread, NULL);
	print_counts(view);
	pst_view_free(view);
	pst_view_options_free(&options);
	return r < 0;
}
