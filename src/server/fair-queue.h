/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A fair queue of requests: first come, first served for one user, round robin over users.
 *
 * Two bounds keep threads and room free for other users. A user may have as many requests running
 * as there are threads that run nothing, and may have as many requests here as there is room left.
 * So one user alone gets half, two users get a third each, and a user who comes later always finds
 * some free.
 *
 * Users whose IDs have the same hash share a row of the table, and its turn. The caller locks.
 */
#include "request/req.h"

#define FAIR_QUEUE_ROWS 256u

struct fair_queue {
	unsigned int n_threads; /* constant: requests that may run at a time */
	unsigned int n_queued, n_running;
	struct fair_queue_row {
		struct fair_queue_row *next; /* in the list of rows with requests */
		unsigned int n_queued, n_running;
		struct req *queue, **queue_end;
	} rows[FAIR_QUEUE_ROWS];
	struct fair_queue_row *first, **end; /* rows with requests, the next one first */
};

void fair_queue_init(struct fair_queue *queue, unsigned int n_threads);
/*
 * Returns true where the user of the request may have one more request here, queued or running. The
 * queue has room for n_room requests.
 */
bool fair_queue_has_room(struct fair_queue *queue, const struct req *req, unsigned int n_room);
/* Returns true where a request of this user would run at once, if there is a thread. */
bool fair_queue_may_run(struct fair_queue *queue, const struct req *req);
/*
 * Appends a request. One that holds a file (request/exact.h) comes first and needs no share,
 * because requests that run may be waiting for the file. A request that was queued because a thread
 * was free for it (at_once) needs no share either, because requests of other users may make that
 * smaller meanwhile.
 */
void fair_queue_push(struct fair_queue *queue, struct req *req);
/* Takes the next request that may run now, and counts it as running; NULL: there is none. */
struct req *fair_queue_pop(struct fair_queue *queue);
/* Takes the request with this number out of the queue; NULL: it is not queued. */
struct req *fair_queue_remove(struct fair_queue *queue, uint64_t unique);
/* Counts a request of this user ID, which was popped, as served. */
void fair_queue_done(struct fair_queue *queue, uint32_t uid);
