// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/fs-callbacks.h"
#include "transport/chan.h"
#include "server/chain-update.h"
#include "mount/submounts.h"
#include "server/invalidator.h"

#include <errno.h>
#include <stdlib.h>

#define TICK_MS 1000

static int backing_open(void *aux, int fd)
{
	struct fs_callbacks *callbacks = aux;

	return callbacks->chan->ops->backing_open(callbacks->chan, fd);
}

static void backing_close(void *aux, int id)
{
	struct fs_callbacks *callbacks = aux;

	callbacks->chan->ops->backing_close(callbacks->chan, id);
}

static void want_tick(void *aux)
{
	struct fs_callbacks *callbacks = aux;

	ticker_wake(&callbacks->ticker);
}

static bool tick(void *aux)
{
	struct fs_callbacks *callbacks = aux;

	return fs_tick(callbacks->fs);
}

static void queue_node(void *aux, uint64_t nodeid, bool data)
{
	invalidator_queue_node(((struct fs_callbacks *)aux)->invalidator, nodeid, data);
}

static void queue_name(void *aux, uint64_t parent, const char *name, uint64_t child, bool expire)
{
	invalidator_queue_name(((struct fs_callbacks *)aux)->invalidator, parent, name, child,
			       expire);
}

static void moved_away(void *aux, uint64_t parent, const char *name, uint64_t child)
{
	submounts_moved_away(((struct fs_callbacks *)aux)->submounts, parent, name, child);
}

static void attr_now(void *aux, uint64_t nodeid)
{
	invalidator_send_attr(((struct fs_callbacks *)aux)->chan, nodeid);
}

static void written_now(void *aux, uint64_t nodeid)
{
	invalidator_send_written(((struct fs_callbacks *)aux)->chan, nodeid);
}

static void forgotten(void *aux, struct node *node)
{
	struct fs_callbacks *callbacks = aux;

	/* filters is NULL if a filter of the mount was refused; *filters, when the view ends. */
	if (callbacks->filters && *callbacks->filters)
		filters_forgotten(*callbacks->filters, node);
}

static void queue_all(void *aux)
{
	invalidator_queue_all(((struct fs_callbacks *)aux)->invalidator);
}

int fs_callbacks_new(struct chan *chan, unsigned int connection, bool can_expire,
		     struct fs_callbacks **ret_callbacks, struct fs_host *ret_fs_host)
{
	struct fs_callbacks *callbacks = calloc(1, sizeof(*callbacks));

	if (!callbacks)
		return -ENOMEM;
	if (submounts_new(connection, &callbacks->submounts) < 0 ||
	    invalidator_new(chan, callbacks->submounts, can_expire, &callbacks->invalidator) < 0) {
		submounts_free(callbacks->submounts);
		free(callbacks);
		return -ENOMEM;
	}
	callbacks->chan = chan;
	ticker_init(&callbacks->ticker, tick, callbacks, TICK_MS, 0);
	*ret_callbacks = callbacks;
	*ret_fs_host = (struct fs_host){
		.aux = callbacks,
		.backing_open = backing_open,
		.backing_close = backing_close,
		.want_tick = want_tick,
		.invalidate_node = queue_node,
		.invalidate_name = queue_name,
		.moved_away = moved_away,
		.invalidate_all = queue_all,
		.invalidate_attr_now = attr_now,
		.invalidate_written_now = written_now,
		.forgotten = forgotten,
	};
	return 0;
}

int fs_callbacks_start(struct fs_callbacks *callbacks, struct filters *const *filters,
		       struct fs *fs)
{
	int r;

	callbacks->fs = fs;
	callbacks->filters = filters;
	r = ticker_start(&callbacks->ticker);
	if (r == 0)
		r = invalidator_start(callbacks->invalidator, fs);
	if (r == 0)
		r = submounts_start(callbacks->submounts, fs);
	if (r == 0)
		r = fs_start(fs);
	return r;
}

void fs_callbacks_stop(struct fs_callbacks *callbacks)
{
	ticker_stop(&callbacks->ticker);
	submounts_stop(callbacks->submounts);
	invalidator_stop(callbacks->invalidator);
}

struct fs_callbacks *fs_callbacks_free(struct fs_callbacks *callbacks)
{
	if (!callbacks)
		return NULL;
	fs_callbacks_stop(callbacks);
	invalidator_free(callbacks->invalidator);
	submounts_free(callbacks->submounts);
	ticker_fini(&callbacks->ticker);
	free(callbacks);
	return NULL;
}
