// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * pretend [-o OPTION,...] LOWER MOUNTPOINT
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
	unsigned char id[PST_FILE_ID_SIZE];
	uint64_t nodeid;
	uint32_t mask, mode, uid, gid;
};

static void *table;                                      /* struct record, by tsearch(3) */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards it */

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, PST_FILE_ID_SIZE); /* the first member */
}

static uint32_t fields(void *aux, const struct pst_file *file)
{
	return STATX_MODE | STATX_UID | STATX_GID;
}

/* Puts the changed fields into *stx, which has the attributes of the lower file. */
static int get(void *aux, const struct pst_file *file, struct statx *stx)
{
	unsigned char id[PST_FILE_ID_SIZE];
	struct record **found;

	pst_file_id(file, id);
	pthread_mutex_lock(&lock);
	found = tfind(id, &table, compare);
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
	struct record *new = calloc(1, sizeof(*new)), **found;

	if (!new)
		return NULL;
	pst_file_id(file, new->id);
	new->nodeid = file->nodeid;
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

static int run(void *aux, struct pst_view *view)
{
	pthread_t thread;
	int r;

	if (pthread_create(&thread, NULL, wait_for_hangups, view) != 0)
		return -EAGAIN;
	r = pst_view_run(view);
	pthread_cancel(thread);
	pthread_join(thread, NULL);
	print_counts(view);
	return r;
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
	sigset_t hangup;

	/* pst_view_run() leaves a signal that is blocked to the program. */
	sigemptyset(&hangup);
	sigaddset(&hangup, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &hangup, NULL);
	options.server = &server;
	options.run = run;
	return pst_main(argc, argv, &options, NULL, NULL);
}
