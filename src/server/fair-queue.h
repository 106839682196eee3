/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A fair queue of requests: first come, first served for one user, round robin over users.
 *
 * Two limits keep threads and room free for other users. A user may have as many requests running
 * as there are idle threads, and as many requests queued or running as the queue has room left. So
 * one user alone gets half, two users get a third each, and some always stay free for the next
 * user.
 *
 * Users whose IDs have the same hash share a row of the table, and its turn. The caller holds a
 * lock that guards the queue.
 */
#include "request/req.h"

#define FAIR_QUEUE_ROWS 256u

struct fair_queue {
	unsigned int n_threads; /* constant: requests that may run at a time */
	unsigned int n_queued, n_running;
	/* Requests that are queued or running; [1] those with req_has_pool_slot() when queued. */
	unsigned int n_slots[2];
	struct fair_queue_row {
		struct fair_queue_row *next; /* in the list of rows with requests */
		unsigned int n_queued, n_running, n_slots[2];
		struct req *queue, **queue_end;
	} rows[FAIR_QUEUE_ROWS];
	struct fair_queue_row *first, **end; /* rows with requests, the next one first */
};

void fair_queue_init(struct fair_queue *queue, unsigned int n_threads);
/*
 * Returns true if the user of the request may have one more request here, queued or running. The
 * queue has room for n_room requests with such a slot: request_pool_room().
 */
bool fair_queue_has_room(struct fair_queue *queue, const struct req *req, unsigned int n_room);
/* Returns true if a request of this user could run immediately on an idle thread. */
bool fair_queue_may_run(struct fair_queue *queue, const struct req *req);
/*
 * Appends a request. A request that has a file locked (request/exact.h) comes first and needs no
 * share: running requests may wait for this file, and would deadlock. A request that was queued
 * because a thread was free for it (at_once) needs no share either: requests of other users may
 * have reduced the share since.
 */
void fair_queue_push(struct fair_queue *queue, struct req *req);
/* Removes and returns the next request that may run now, and counts it as running; or NULL. */
struct req *fair_queue_pop(struct fair_queue *queue);
/* Removes and returns the request with this number, or NULL if it is not queued. */
struct req *fair_queue_remove(struct fair_queue *queue, uint64_t unique);
/*
 * Ends the count of a request of this user ID, which fair_queue_pop() has returned. slot is true if
 * it had req_has_pool_slot() when it was queued.
 */
void fair_queue_done(struct fair_queue *queue, uint32_t uid, bool slot);
