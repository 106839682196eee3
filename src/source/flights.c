// SPDX-License-Identifier: LGPL-2.1-or-later
#include "source/source-private.h"
#include "util/clock.h"

#include <stdlib.h>

/* Flights that stay because of retry_ms. */
#define MAX_FAILED 1024

struct flight *flight_find(struct source *source, const struct node *node)
{
	uint32_t major, minor;

	fs_node_device(source->fs, node, &major, &minor);
	for (struct flight *flight = source->flights; flight; flight = flight->next)
		if (flight->ino == node->ino && flight->dev_major == major &&
		    flight->dev_minor == minor)
			return flight;
	return NULL;
}

struct flight *flight_new(struct source *source, struct node *node, enum flight_state state)
{
	struct flight *flight = calloc(1, sizeof(*flight));

	if (!flight)
		return NULL;
	flight->ino = node->ino;
	fs_node_device(source->fs, node, &flight->dev_major, &flight->dev_minor);
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

void flight_wake(struct source_waiter *waiters, int r, bool here)
{
	while (waiters) {
		struct source_waiter *waiter = waiters;

		waiters = waiter->next;
		waiter->done(waiter, waiter->holds ? 0 : r, here && !waiters);
	}
}
