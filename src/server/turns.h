/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A fair queue of requests: first come, first served for one user, round robin over users.
 *
 * Two bounds keep a part of a resource free for other users. A user may have as many requests running
 * as there are threads that run nothing, and may have as many requests here as there is room left. So
 * one user alone gets half, two users get a third each, and a newcomer always finds some free.
 *
 * Users share a row of the table where a hash of their IDs is the same; then they share a turn.
 * The caller locks.
 */
#include "request/req.h"

#define TURNS_ROWS 256u

struct turns {
	unsigned int n_threads;		/* constant: requests that may run at a time */
	unsigned int n_queued, n_running;
	struct turn {
		struct turn *next;	/* of those with a queue */
		unsigned int n_queued, n_running;
		struct req *queue, **queue_end;
	} rows[TURNS_ROWS];
	struct turn *first, **end;	/* rows with a queue: the first one has its turn */
};

void turns_init(struct turns *turns, unsigned int n_threads);
/*
 * True where the request's user may have one more here, queued or running, when n_room requests may be
 * here at a time.
 */
bool turns_have_room(struct turns *turns, const struct req *req, unsigned int n_room);
/* Returns true where a request of the same user would run at once, if there is a thread. */
bool turns_may_run(struct turns *turns, const struct req *req);
/*
 * A request that holds a file (request/exact.h) comes first and needs no share: those that run may be waiting
 * for it. One that was queued because a thread was free for it (at_once) needs none either, since
 * requests of other users may make it smaller meanwhile.
 */
void turns_push(struct turns *turns, struct req *req);
/* Takes the next request that may run now, and counts it as running; NULL: there is none. */
struct req *turns_pop(struct turns *turns);
/* Takes the queued request with this number out of its queue; NULL: there is none. */
struct req *turns_remove(struct turns *turns, uint64_t unique);
/* A request of this user ID that was popped has been served. */
void turns_done(struct turns *turns, uint32_t uid);
