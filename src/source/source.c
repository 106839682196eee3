// SPDX-License-Identifier: LGPL-2.1-or-later
/* Requests that wait for hollow files. See source-private.h for the locks. */
#include "source/source.h"
#include "source/source-private.h"
#include "util/clock.h"

#include <errno.h>

/* Milliseconds between two searches of source_check() for dead clients. */
#define DEAD_MS 100

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
