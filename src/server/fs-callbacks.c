// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/fs-callbacks.h"
#include "transport/chan.h"
#include "server/chain-update.h"
#include "mount/submounts.h"
#include "server/invalidator.h"
#include "util/clock.h"
#include "util/thread.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct fs_callbacks {
	struct chan *chan; /* borrowed */
	struct fs *fs;     /* borrowed, set at start, as is filters */
	struct filters *const *filters;
	struct invalidator *invalidator;
	struct submounts *submounts;
	pthread_t thread;
	bool started;
	_Atomic bool wanted; /* there may be something to let go of */

	pthread_mutex_t lock; /* guards stop, and sleeping */
	pthread_cond_t cond;
	bool stop;
};

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

	/* On the path of requests: mostly a look at a flag that is set already. */
	if (atomic_load_explicit(&callbacks->wanted, memory_order_relaxed))
		return;
	pthread_mutex_lock(&callbacks->lock);
	callbacks->wanted = true;
	pthread_cond_signal(&callbacks->cond);
	pthread_mutex_unlock(&callbacks->lock);
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

	/* Not started: a filter of the mount was refused. No filters: the view ends. */
	if (callbacks->filters && *callbacks->filters)
		filters_forgotten(*callbacks->filters, node);
}

static void queue_all(void *aux)
{
	invalidator_queue_all(((struct fs_callbacks *)aux)->invalidator);
}

/* Sleeps a second, or until the end; true at the end. Caller holds the lock. */
static bool sleep_a_second(struct fs_callbacks *callbacks)
{
	struct timespec until = clock_after_ms(1000);

	while (!callbacks->stop &&
	       pthread_cond_timedwait(&callbacks->cond, &callbacks->lock, &until) == 0)
		;
	return callbacks->stop;
}

static void *fs_callbacks_main(void *arg)
{
	struct fs_callbacks *callbacks = arg;

	fs_thread_init();
	pthread_mutex_lock(&callbacks->lock);
	while (!callbacks->stop) {
		if (!callbacks->wanted) {
			pthread_cond_wait(&callbacks->cond, &callbacks->lock);
			continue;
		}
		if (sleep_a_second(callbacks))
			break;
		/* Cleared before looking: what comes up meanwhile sets it again. */
		callbacks->wanted = false;
		pthread_mutex_unlock(&callbacks->lock);
		if (fs_tick(callbacks->fs))
			callbacks->wanted = true;
		pthread_mutex_lock(&callbacks->lock);
	}
	pthread_mutex_unlock(&callbacks->lock);
	return NULL;
}

int fs_callbacks_new(struct chan *chan, const struct fs_callbacks_config *config,
		     struct fs_callbacks **ret_callbacks, struct fs_host *ret_fs_host)
{
	struct fs_callbacks *callbacks = calloc(1, sizeof(*callbacks));

	if (!callbacks)
		return -ENOMEM;
	if (submounts_new(config->connection, &callbacks->submounts) < 0 ||
	    invalidator_new(chan, callbacks->submounts, config->can_expire,
			    &callbacks->invalidator) < 0) {
		submounts_free(callbacks->submounts);
		free(callbacks);
		return -ENOMEM;
	}
	callbacks->chan = chan;
	pthread_mutex_init(&callbacks->lock, NULL);
	clock_cond_init(&callbacks->cond);
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
	r = thread_create(&callbacks->thread, NULL, fs_callbacks_main, callbacks);
	callbacks->started = r == 0;
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
	if (!callbacks->started)
		return;
	pthread_mutex_lock(&callbacks->lock);
	callbacks->stop = true;
	pthread_cond_signal(&callbacks->cond);
	pthread_mutex_unlock(&callbacks->lock);
	pthread_join(callbacks->thread, NULL);
	submounts_stop(callbacks->submounts);
	invalidator_stop(callbacks->invalidator);
	callbacks->started = false;
}

struct fs_callbacks *fs_callbacks_free(struct fs_callbacks *callbacks)
{
	if (!callbacks)
		return NULL;
	fs_callbacks_stop(callbacks);
	invalidator_free(callbacks->invalidator);
	submounts_free(callbacks->submounts);
	pthread_cond_destroy(&callbacks->cond);
	pthread_mutex_destroy(&callbacks->lock);
	free(callbacks);
	return NULL;
}

struct invalidator *fs_callbacks_invalidator(struct fs_callbacks *callbacks)
{
	return callbacks->invalidator;
}

struct submounts *fs_callbacks_submounts(struct fs_callbacks *callbacks)
{
	return callbacks->submounts;
}
