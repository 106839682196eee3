// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Fetching ahead: hollow files that a client has looked up, or whose directory was listed, are
 * fetched when a thread has no file to fetch that a client waits for.
 *
 * The queue has the numbers of such files and directories, without references: a file that the
 * kernel has forgotten meanwhile is left out. One thread at a time takes files out of the queue,
 * and reads the names of a directory one by one, so the queue has no room for names. The lock of
 * the source guards struct ahead, except dir and dir_node, which belong to the thread that has set
 * busy.
 */
#include "fs/hollow.h"
#include "source/source-private.h"
#include "util/cleanup.h"
#include "util/fd.h"

#include <fcntl.h>
#include <string.h>

/* Files and directories in the queue; further ones are left out. */
#define MAX_QUEUED (1u << 16)
/* Names of a directory that a thread looks at before it looks for other work. */
#define MAX_NAMES 64

bool ahead_add(struct source *source, const struct node *node)
{
	struct ahead *ahead = &source->ahead;

	if (!ahead->ids)
		ahead->ids = calloc(MAX_QUEUED, sizeof(*ahead->ids));
	if (!ahead->ids || ahead->n == MAX_QUEUED || source->stop)
		return false;
	ahead->ids[(ahead->at + ahead->n++) % MAX_QUEUED] = node->id;
	return true;
}

/* Returns the node if it is a file to fetch, with its reference; else puts the reference. */
static struct node *keep_hollow(struct source *source, struct node *node)
{
	enum pst_fetch_when when;

	if (node && S_ISREG(node->type) && !fs_is_whole(node) &&
	    fs_has_mark(source->fs, node) == 1 &&
	    fs_fetch_when(source->fs, node, &source->given, &when) == 0 && when == PST_FETCH_AHEAD)
		return node;
	fs_node_put(source->fs, node);
	return NULL;
}

static struct node *find(struct source *source, const char *name)
{
	struct node *dir = source->ahead.dir_node, *node = NULL;
	struct fs_entry entry = { 0 };
	struct statx stx;

	if (fs_peek(source->fs, dir, name, &stx, &node) < 0)
		return NULL;
	/* No node, so the kernel has nothing of it in its cache that this lookup could change. */
	if (!node && S_ISREG(stx.stx_mode) && fs_lookup(source->fs, dir, name, &entry) == 0)
		node = entry.node;
	return node;
}

static void close_dir(struct source *source)
{
	struct ahead *ahead = &source->ahead;

	if (ahead->dir)
		closedir(ahead->dir);
	ahead->dir = NULL;
	fs_node_put(source->fs, ahead->dir_node);
	ahead->dir_node = NULL;
}

static void open_dir(struct source *source, struct node *node)
{
	struct ahead *ahead = &source->ahead;
	int fd = fs_open_node_dir(source->fs, node);

	ahead->dir_node = node;
	ahead->dir = fd < 0 ? NULL : fdopendir(fd);
	if (ahead->dir)
		return;
	fd_close(fd);
	close_dir(source);
}

/* Returns a hollow file of the next names of the directory, or NULL. */
static struct node *next_name(struct source *source)
{
	struct node *node = NULL;
	struct dirent *entry = NULL;

	for (int i = 0; i < MAX_NAMES && !node; i++) {
		entry = readdir(source->ahead.dir);
		if (!entry)
			break;
		if (entry->d_type == DT_REG || entry->d_type == DT_UNKNOWN)
			node = keep_hollow(source, find(source, entry->d_name));
	}
	if (!entry)
		close_dir(source);
	return node;
}

/* Returns a hollow file of the queue, or NULL if this step has found none. */
static struct node *next_node(struct source *source, uint64_t id)
{
	struct node *node;

	if (source->ahead.dir)
		return next_name(source);
	node = fs_node(source->fs, id);
	if (!node || !S_ISDIR(node->type))
		return keep_hollow(source, node);
	open_dir(source, node);
	return NULL;
}

bool ahead_has_work(const struct source *source)
{
	const struct ahead *ahead = &source->ahead;

	/* First busy: without it, dir_node belongs to no thread. */
	return !ahead->busy && (ahead->n || ahead->dir_node) && !source->stop &&
	       ahead->n_running < (source->given.n_fetches + 1) / 2;
}

struct flight *ahead_next(struct source *source)
{
	struct ahead *ahead = &source->ahead;
	struct flight *flight = NULL;
	struct node *node;
	uint64_t id = 0;

	ahead->busy = true;
	if (!ahead->dir_node) {
		id = ahead->ids[ahead->at];
		ahead->at = (ahead->at + 1) % MAX_QUEUED;
		ahead->n--;
	}
	pthread_mutex_unlock(&source->lock);
	node = next_node(source, id);
	pthread_mutex_lock(&source->lock);
	ahead->busy = false;
	if (node && !flight_find(source, node, FS_WHOLE) && !source->stop)
		flight = flight_new(source, node, FS_WHOLE, FLIGHT_RUNS);
	if (flight) {
		flight->node = node_get(node);
		flight->ahead = true;
		ahead->n_running++;
	}
	pthread_mutex_unlock(&source->lock);
	fs_node_put(source->fs, node);
	pthread_mutex_lock(&source->lock);
	return flight;
}

void ahead_fini(struct source *source)
{
	close_dir(source);
	free(source->ahead.ids);
	source->ahead.ids = NULL;
	source->ahead.n = 0;
}
