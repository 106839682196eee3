// SPDX-License-Identifier: LGPL-2.1-or-later
#include "source/source.h"
#include "source/source-private.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/cpu.h"
#include "util/log.h"
#include "util/thread.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/sysmacros.h>

#define DEFAULT_FETCHES 16
/* pst_view_free() complains after so long about a function that does not return. */
#define PATIENCE_MS 5000
/* source_check() looks for dead clients so often. */
#define DEAD_MS 100

DEFINE_CLEANUP(struct source *, source_free);

int source_new(const struct pst_source *given, int lower, unsigned int connection,
	       struct source **ret_source, struct pst_error *error)
{
	_cleanup_(source_freep) struct source *source = calloc(1, sizeof(*source));
	int r;

	if (!source)
		return error_set(error, -ENOMEM, "out of memory");
	source->given = *given;
	source->end = &source->flights;
	source->view.lock_fd = -1;
	pthread_mutex_init(&source->lock, NULL);
	clock_cond_init(&source->work);
	clock_cond_init(&source->settler.wake);
	pthread_mutex_init(&source->limit.lock, NULL);
	clock_cond_init(&source->limit.wake);
	source->limit.evict = source_evict;
	if (!source->given.n_fetches)
		source->given.n_fetches = DEFAULT_FETCHES;
	source->cpus = cpu_allowed();
	source->fetchers = calloc(source->given.n_fetches, sizeof(*source->fetchers));
	if (!source->fetchers)
		return error_set(error, -ENOMEM, "out of memory");
	r = source_views_add(&source->view, lower, makedev(0, connection), error);
	if (r == 0)
		*ret_source = take_ptr(source);
	return r;
}

void source_begin(struct source *source, struct fs *fs)
{
	source->fs = fs;
}

/* -- requests ---------------------------------------------------------------------------------- */

/* Starts a flight. Returns NULL if that fails. Caller holds the lock. */
static struct flight *start(struct source *source, struct node *node, uint64_t piece)
{
	struct flight *flight = flight_new(source, node, piece, FLIGHT_QUEUED);

	if (!flight)
		return NULL;
	flight_enqueue(source, flight, node_get(node));
	if (fetchers_grow(source) == 0)
		return flight;
	source->n_queued--;
	flight_free(source, flight);
	/* The caller has a reference, too, so this one is not the last. */
	fs_node_put(source->fs, node);
	return NULL;
}

/* Caller holds the lock. */
static int join(struct source *source, struct source_waiter *waiter)
{
	struct flight *flight, *failed;

	if (source->stop)
		return -EINTR;
	flights_forget_failed(source);
	flight = flight_find(source, waiter->node, waiter->piece);
	if (waiter->holds && !flight)
		return 0;
	failed = flight ? NULL : flight_find_failed(source, waiter->node, waiter->piece);
	if (failed)
		return failed->error;
	if (!flight)
		flight = start(source, waiter->node, waiter->piece);
	if (!flight)
		return -ENOMEM;
	flight->wanted |= waiter->holds;
	waiter->next = flight->waiters;
	flight->waiters = waiter;
	return 1;
}

int source_wait(struct source *source, struct source_waiter *waiter)
{
	int r;

	pthread_mutex_lock(&source->lock);
	r = join(source, waiter);
	pthread_mutex_unlock(&source->lock);
	return r;
}

struct source_waiter *source_leave(struct source *source, uint64_t unique,
				   bool (*may)(uint32_t pid))
{
	struct source_waiter *waiter = NULL;

	pthread_mutex_lock(&source->lock);
	for (struct flight *flight = source->flights; flight && !waiter; flight = flight->next) {
		waiter = flight_take(flight, unique, may);
		if (waiter && !flight->waiters && flight->state != FLIGHT_HELD && !flight->ahead)
			flight->cancelled = true;
	}
	pthread_mutex_unlock(&source->lock);
	return waiter;
}

/*
 * Looks for the mark twice: under the lock, because an eviction that begins in between would clear
 * NODE_WHOLE before this sets it; and before, because the first look may wait for the disk.
 */
int source_is_hollow(struct source *source, struct node *node)
{
	int r;

	if (fs_is_whole(node))
		return 0;
	r = fs_has_mark(source->fs, node);
	if (r < 0 || r == 1)
		return r;
	pthread_mutex_lock(&source->lock);
	r = flight_find(source, node, FS_WHOLE) ? 1 : fs_is_hollow(source->fs, node);
	pthread_mutex_unlock(&source->lock);
	if (r != FS_UNSETTLED)
		return r;
	settler_add(source, node);
	return 0;
}

int source_held_is_hollow(struct source *source, struct node *node)
{
	int r = fs_is_hollow(source->fs, node);

	if (r == FS_UNSETTLED)
		settler_add(source, node);
	return r == FS_UNSETTLED ? 0 : r;
}

int source_when(struct source *source, struct node *node, enum pst_fetch_when *ret_when)
{
	return fs_fetch_when(source->fs, node, &source->given, ret_when);
}

void source_ahead(struct source *source, struct node *node)
{
	if ((source->given.when != PST_FETCH_AHEAD && !source->given.when_of) ||
	    fs_ahead_begins(node))
		return;
	pthread_mutex_lock(&source->lock);
	if (ahead_add(source, node)) {
		fetchers_grow(source);
		pthread_cond_signal(&source->work);
	}
	pthread_mutex_unlock(&source->lock);
}

void source_opened(struct source *source, const struct node *node)
{
	limit_count(source, node, 0);
}

bool source_hold(struct source *source, struct node *node)
{
	bool held;

	pthread_mutex_lock(&source->lock);
	held = !flight_find(source, node, FS_WHOLE) &&
	       flight_new(source, node, FS_WHOLE, FLIGHT_HELD);
	pthread_mutex_unlock(&source->lock);
	return held;
}

void source_release(struct source *source, struct node *node)
{
	struct source_waiter *waiters;
	struct flight *flight;

	pthread_mutex_lock(&source->lock);
	flight = flight_find(source, node, FS_WHOLE);
	waiters = flight->waiters;
	flight_free(source, flight);
	pthread_mutex_unlock(&source->lock);
	/* They look again if the file is hollow. */
	flight_wake(waiters, 0, false);
}

int source_evict(struct source *source, struct node *node)
{
	int r;

	if (!source_hold(source, node))
		return -EBUSY;
	r = fs_evict(source->fs, node);
	/* Settles the file if it still has its mark, which fs_evict() has forgotten. */
	if (r < 0)
		source_held_is_hollow(source, node);
	source_release(source, node);
	return r == FS_WOULD_WAIT ? -EBUSY : r;
}

/* -- the end ----------------------------------------------------------------------------------- */

bool source_check(struct source *source, bool (*is_dead)(uint32_t pid))
{
	struct source_waiter *dead = NULL;
	uint32_t now = clock_ms();
	bool any = false, look;

	pthread_mutex_lock(&source->lock);
	look = now - source->looked_ms >= DEAD_MS;
	source->looked_ms = look ? now : source->looked_ms;
	for (struct flight *flight = source->flights; flight; flight = flight->next) {
		if (flight->piece == FS_WHOLE || !flight->waiters)
			continue;
		any = true;
		if (look && flight_take_dead(flight, is_dead, &dead) && !flight->waiters)
			flight->cancelled = true;
	}
	any |= fetchers_wake_cancelled(source);
	pthread_mutex_unlock(&source->lock);
	flight_wake(dead, -EINTR, false);
	return any;
}

void source_stop(struct source *source)
{
	uint32_t began = clock_ms();
	bool told = false;

	pthread_mutex_lock(&source->lock);
	source->stop = true;
	for (struct flight *flight = source->flights; flight; flight = flight->next)
		flight->cancelled = true;
	pthread_cond_broadcast(&source->work);
	while (source->n_running) {
		/* Again and again: a signal before the system call does not interrupt it. */
		fetchers_wake_cancelled(source);
		clock_cond_wait_ms(&source->work, &source->lock, 5);
		if (!told && clock_ms() - began >= PATIENCE_MS) {
			log_warning("the view cannot end, because a function of its source has "
				    "not returned although pst_fetch_cancelled() returns 1");
			told = true;
		}
	}
	pthread_mutex_unlock(&source->lock);
	for (unsigned int i = 0; i < source->given.n_fetches; i++)
		if (source->fetchers[i].state == FETCHER_ENDED)
			pthread_join(source->fetchers[i].thread, NULL);
	ahead_fini(source);
	limit_stop(source);
	settler_stop(source);
}

struct source *source_free(struct source *source)
{
	if (!source)
		return NULL;
	source_views_remove(&source->view);
	while (source->flights)
		flight_free(source, source->flights);
	pthread_cond_destroy(&source->work);
	pthread_cond_destroy(&source->settler.wake);
	pthread_cond_destroy(&source->limit.wake);
	pthread_mutex_destroy(&source->limit.lock);
	free(source->settler.nodes);
	pthread_mutex_destroy(&source->lock);
	free(source->fetchers);
	if (source->cpus)
		CPU_FREE(source->cpus);
	free(source);
	return NULL;
}
