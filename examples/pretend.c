// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * pretend LOWER MOUNTPOINT [cache=auto|none|ttl|exclusive] [transport=dev|uring] [passthrough=off]
 *
 * A view in which modes and owners can be changed and the tree below keeps its own: an example of a
 * server that has the authority for some attributes, while the data of the same files passes through.
 * What was changed is known for as long as it runs; SIGHUP forgets it. When the view is unmounted it
 * prints how many requests of each kind there were: reads and writes are none of them.
 *
 *	cc -o pretend pretend.c -lpenstock
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

/* What somebody has said of a file: the fields in mask. */
struct said {
	uint32_t dev_major, dev_minor, handle_len;
	unsigned char handle[64];
	uint64_t ino, nodeid;
	uint32_t mask, mode, uid, gid;
};

static void *table;                                      /* struct said, by tsearch(3) */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards it */

static int compare(const void *a, const void *b)
{
	const struct said *x = a, *y = b;

	if (x->ino != y->ino)
		return x->ino < y->ino ? -1 : 1;
	/* Another device, or a number that was used before. */
	return memcmp(x, y, offsetof(struct said, ino));
}

static struct said key_of(const struct pst_file *file)
{
	struct said key = {
		.dev_major = file->dev_major,
		.dev_minor = file->dev_minor,
		.ino = file->ino,
		.nodeid = file->nodeid,
	};

	if (file->handle_len <= sizeof(key.handle)) {
		key.handle_len = file->handle_len;
		memcpy(key.handle, file->handle, file->handle_len);
	}
	return key;
}

static uint32_t fields(void *aux, const struct pst_file *file)
{
	return STATX_MODE | STATX_UID | STATX_GID;
}

/* What nobody has changed stays as it is below. */
static int get(void *aux, const struct pst_file *file, struct statx *stx)
{
	struct said key = key_of(file), **found;

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

/* The record of a file, made if need be; NULL without memory. Caller holds the lock. */
static struct said *record(const struct pst_file *file)
{
	struct said *new = malloc(sizeof(*new)), **found;

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
	struct said *said;

	pthread_mutex_lock(&lock);
	said = record(file);
	if (said && (stx->stx_mask & STATX_MODE))
		said->mode = stx->stx_mode;
	if (said && (stx->stx_mask & STATX_UID))
		said->uid = stx->stx_uid;
	if (said && (stx->stx_mask & STATX_GID))
		said->gid = stx->stx_gid;
	if (said)
		said->mask |= stx->stx_mask;
	pthread_mutex_unlock(&lock);
	return said ? 0 : -ENOMEM;
}

/* SIGHUP: all is as below again, and the kernel is told so. */
static void *forget(void *arg)
{
	struct pst_view *view = arg;
	sigset_t hup;
	int number;

	sigemptyset(&hup);
	sigaddset(&hup, SIGHUP);
	while (sigwait(&hup, &number) == 0) {
		pthread_mutex_lock(&lock);
		while (table) {
			struct said *said = *(struct said **)table;

			tdelete(said, &table, compare);
			pst_view_changed(view, said->nodeid);
			free(said);
		}
		pthread_mutex_unlock(&lock);
	}
	return NULL;
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
	sigset_t hup;
	size_t n;
	int r;

	if (argc < 3)
		errx(2, "usage: pretend LOWER MOUNTPOINT [OPTION...]");
	options.lower = argv[1];
	options.mountpoint = argv[2];
	options.server = &server;
	for (int i = 3; i < argc; i++)
		choose(&options, argv[i]);
	sigemptyset(&hup);
	sigaddset(&hup, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &hup, NULL);
	if (pst_view_mount(&options, &view, &error) < 0)
		errx(1, "%s", error.text);
	if (pthread_create(&thread, NULL, forget, view) != 0)
		errx(1, "no thread");
	r = pst_view_wait(view);
	pst_view_op_stats(view, rows, 64, &n);
	for (size_t i = 0; i < n && i < 64; i++)
		printf("%s %llu\n", rows[i].name, (unsigned long long)rows[i].n_requests);
	pthread_cancel(thread);
	pthread_join(thread, NULL);
	pst_view_free(view);
	return r < 0;
}
