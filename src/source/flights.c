// SPDX-License-Identifier: LGPL-2.1-or-later
#include "source/source-private.h"
#include "util/clock.h"

#include <stdlib.h>

/* The most failed flights that stay because of retry_ms. */
#define MAX_FAILED 1024

static bool is_of(struct source *source, const struct flight *flight, const struct node *node)
{
	uint32_t major, minor;

	if (flight->ino != node->ino)
		return false;
	fs_node_device(source->fs, node, &major, &minor);
	return flight->dev_major == major && flight->dev_minor == minor;
}

struct flight *flight_find(struct source *source, const struct node *node, uint64_t piece)
{
	for (struct flight *flight = source->flights; flight; flight = flight->next)
		if (flight->state != FLIGHT_FAILED &&
		    (piece == FS_WHOLE || flight->piece == FS_WHOLE || flight->piece == piece ||
		     flight->wanted) &&
		    is_of(source, flight, node))
			return flight;
	return NULL;
}

struct flight *flight_find_failed(struct source *source, const struct node *node, uint64_t piece)
{
	for (struct flight *flight = source->flights; flight; flight = flight->next)
		if (flight->state == FLIGHT_FAILED && flight->piece == piece &&
		    is_of(source, flight, node))
			return flight;
	return NULL;
}

struct flight *flight_new(struct source *source, struct node *node, uint64_t piece,
			  enum flight_state state)
{
	struct flight *flight = calloc(1, sizeof(*flight));

	if (!flight)
		return NULL;
	flight->ino = node->ino;
	fs_node_device(source->fs, node, &flight->dev_major, &flight->dev_minor);
	flight->piece = piece;
	flight->state = state;
	*source->end = flight;
	source->end = &flight->next;
	return flight;
}

void flight_free(struct source *source, struct flight *flight)
{
	struct flight **link = &source->flights;

	while (*link != flight)
		link = &(*link)->next;
	*link = flight->next;
	if (source->end == &flight->next)
		source->end = link;
	source->n_failed -= flight->state == FLIGHT_FAILED;
	free(flight);
}

static bool is_over(const struct source *source, const struct flight *flight)
{
	return flight->state == FLIGHT_FAILED &&
	       clock_ms() - flight->ended_ms >= source->given.retry_ms;
}

void flights_forget_failed(struct source *source)
{
	for (struct flight *flight = source->flights, *next; flight && source->n_failed;
	     flight = next) {
		next = flight->next;
		if (flight->state == FLIGHT_FAILED &&
		    (source->n_failed > MAX_FAILED || is_over(source, flight)))
			flight_free(source, flight);
	}
}

void flight_enqueue(struct source *source, struct flight *flight, struct node *node)
{
	flight->state = FLIGHT_QUEUED;
	flight->node = node;
	flight->cancelled = false;
	source->n_queued++;
	pthread_cond_signal(&source->work);
}

void flight_fail(struct source *source, struct flight *flight, int r)
{
	if (!source->given.retry_ms) {
		flight_free(source, flight);
		return;
	}
	flight->state = FLIGHT_FAILED;
	flight->error = r;
	flight->ended_ms = clock_ms();
	source->n_failed++;
	flights_forget_failed(source);
}

struct source_waiter *flight_take(struct flight *flight, uint64_t unique, bool (*may)(uint32_t pid))
{
	for (struct source_waiter **link = &flight->waiters; *link; link = &(*link)->next) {
		struct source_waiter *waiter = *link;

		if (waiter->unique != unique)
			continue;
		if (!may(waiter->pid))
			return NULL;
		*link = waiter->next;
		return waiter;
	}
	return NULL;
}

bool flight_take_dead(struct flight *flight, bool (*is_dead)(uint32_t pid),
		      struct source_waiter **dead)
{
	struct source_waiter **link = &flight->waiters, *waiter;
	bool any = false;

	while ((waiter = *link)) {
		if (!is_dead(waiter->pid)) {
			link = &waiter->next;
			continue;
		}
		*link = waiter->next;
		waiter->next = *dead;
		*dead = waiter;
		any = true;
	}
	return any;
}

void flight_wake(struct source_waiter *waiters, int r, bool here)
{
	struct source_waiter *others = NULL, *next;

	/* First those that wait to hold the file: the others may start flights again. */
	for (struct source_waiter *waiter = waiters; waiter; waiter = next) {
		next = waiter->next;
		if (waiter->holds) {
			waiter->done(waiter, 0, false);
		} else {
			waiter->next = others;
			others = waiter;
		}
	}
	for (struct source_waiter *waiter = others; waiter; waiter = next) {
		next = waiter->next;
		waiter->done(waiter, r, here && !next);
	}
}

/* -- holds ------------------------------------------------------------------------------------- */

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
	/* The waiters check again if the file is hollow. */
	flight_wake(waiters, 0, false);
}
