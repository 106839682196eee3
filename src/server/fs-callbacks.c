// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/fs-callbacks.h"
#include "transport/chan.h"
#include "server/chain-update.h"
#include "mount/inside.h"
#include "server/invalidate.h"
#include "util/clock.h"
#include "util/thread.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct host {
	struct chan *chan;		/* borrowed */
	struct fs *fs;			/* borrowed, set at start, as is filters */
	struct filters *const *filters;
	struct notifier *notifier;
	struct inside *inside;
	pthread_t thread;
	bool started;
	_Atomic bool wanted;		/* there may be something to let go of */

	pthread_mutex_t lock;		/* guards stop, and sleeping */
	pthread_cond_t cond;
	bool stop;
};

static int backing_open(void *aux, int fd)
{
	struct host *host = aux;

	return host->chan->ops->backing_open(host->chan, fd);
}

static void backing_close(void *aux, int id)
{
	struct host *host = aux;

	host->chan->ops->backing_close(host->chan, id);
}

static void want_tick(void *aux)
{
	struct host *host = aux;

	/* On the path of requests: mostly a look at a flag that is set already. */
	if (atomic_load_explicit(&host->wanted, memory_order_relaxed))
		return;
	pthread_mutex_lock(&host->lock);
	host->wanted = true;
	pthread_cond_signal(&host->cond);
	pthread_mutex_unlock(&host->lock);
}

static void invalidate_node(void *aux, uint64_t nodeid, bool data)
{
	notifier_node(((struct host *)aux)->notifier, nodeid, data);
}

static void invalidate_name(void *aux, uint64_t parent, const char *name, uint64_t child, bool expire)
{
	notifier_name(((struct host *)aux)->notifier, parent, name, child, expire);
}

static void moved_away(void *aux, uint64_t parent, const char *name, uint64_t child)
{
	inside_moved_away(((struct host *)aux)->inside, parent, name, child);
}

static void invalidate_attr_now(void *aux, uint64_t nodeid)
{
	notify_attr(((struct host *)aux)->chan, nodeid);
}

static void invalidate_written_now(void *aux, uint64_t nodeid)
{
	notify_written(((struct host *)aux)->chan, nodeid);
}

static void forgotten(void *aux, struct node *node)
{
	struct filters *filters = *((struct host *)aux)->filters;

	/* At the end of the view they go first. */
	if (filters)
		filters_forgotten(filters, node);
}

static void invalidate_all(void *aux)
{
	notifier_all(((struct host *)aux)->notifier);
}

/* Sleeps a second, or until the end; true at the end. Caller holds the lock. */
static bool sleep_a_second(struct host *host)
{
	struct timespec until = clock_after_ms(CLOCK_MONOTONIC, 1000);

	while (!host->stop && pthread_cond_timedwait(&host->cond, &host->lock, &until) == 0)
		;
	return host->stop;
}

static void *host_main(void *arg)
{
	struct host *host = arg;

	fs_thread_init();
	pthread_mutex_lock(&host->lock);
	while (!host->stop) {
		if (!host->wanted) {
			pthread_cond_wait(&host->cond, &host->lock);
			continue;
		}
		if (sleep_a_second(host))
			break;
		/* Cleared before looking: what comes up meanwhile sets it again. */
		host->wanted = false;
		pthread_mutex_unlock(&host->lock);
		if (fs_tick(host->fs))
			host->wanted = true;
		pthread_mutex_lock(&host->lock);
	}
	pthread_mutex_unlock(&host->lock);
	return NULL;
}

int host_new(struct chan *chan, const struct host_config *config, struct host **ret_host,
	     struct fs_host *ret_fs_host)
{
	struct host *host = calloc(1, sizeof(*host));

	if (!host)
		return -ENOMEM;
	if (inside_new(config->connection, &host->inside) < 0 ||
	    notifier_new(chan, host->inside, config->can_expire, &host->notifier) < 0) {
		inside_free(host->inside);
		free(host);
		return -ENOMEM;
	}
	host->chan = chan;
	pthread_mutex_init(&host->lock, NULL);
	clock_cond_init(&host->cond);
	*ret_host = host;
	*ret_fs_host = (struct fs_host){
		.aux = host,
		.backing_open = backing_open,
		.backing_close = backing_close,
		.want_tick = want_tick,
		.invalidate_node = invalidate_node,
		.invalidate_name = invalidate_name,
		.moved_away = moved_away,
		.invalidate_all = invalidate_all,
		.invalidate_attr_now = invalidate_attr_now,
		.invalidate_written_now = invalidate_written_now,
		.forgotten = forgotten,
	};
	return 0;
}

int host_start(struct host *host, struct filters *const *filters, struct fs *fs)
{
	int r;

	host->fs = fs;
	host->filters = filters;
	r = thread_create(&host->thread, NULL, host_main, host);
	host->started = r == 0;
	if (r == 0)
		r = notifier_start(host->notifier, fs);
	if (r == 0)
		r = inside_start(host->inside, fs);
	if (r == 0)
		r = fs_start(fs);
	return r;
}

void host_stop(struct host *host)
{
	if (!host->started)
		return;
	pthread_mutex_lock(&host->lock);
	host->stop = true;
	pthread_cond_signal(&host->cond);
	pthread_mutex_unlock(&host->lock);
	pthread_join(host->thread, NULL);
	inside_stop(host->inside);
	notifier_stop(host->notifier);
	host->started = false;
}

struct host *host_free(struct host *host)
{
	if (!host)
		return NULL;
	host_stop(host);
	notifier_free(host->notifier);
	inside_free(host->inside);
	pthread_cond_destroy(&host->cond);
	pthread_mutex_destroy(&host->lock);
	free(host);
	return NULL;
}

struct notifier *host_notifier(struct host *host)
{
	return host->notifier;
}

struct inside *host_inside(struct host *host)
{
	return host->inside;
}
