// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Leader/Followers. The kernel wakes the readers of /dev/fuse in the order in which they began to
 * wait. With several readers, each request would wake another thread, on a CPU that sleeps; and
 * after a RELEASE, for which no client waits, a second thread would take the CPU that the client
 * needs. So one worker waits at the queue, the leader, while it keeps up; the others are followers.
 *
 * One follower is the watcher: it looks at the queue every few milliseconds. If requests are queued
 * and no leader waits, the view may need another leader. If few requests were received since the
 * last look, the watcher becomes a leader immediately, because the leader is blocked; else if more
 * than every third look finds this (with one client up to every sixth look does, with two clients
 * more than every second). A worker that copies a long request wakes the watcher itself. A worker
 * that mostly finds another leader waiting becomes a follower.
 *
 * The watcher stops looking when no request was received for a while, so an idle view wakes no
 * thread. The worker that receives the next request wakes the watcher.
 *
 * Locking: leader->lock, as leader.h says for each member; state is atomic.
 */
#include "server/leader.h"
#include "util/clock.h"

#include <poll.h>
#include <stdatomic.h>

#define ONE_TAKEN        (1ULL << 16)
#define N_WAITING(state) ((state) & (ONE_TAKEN - 1))
#define N_TAKEN(state)   ((state) >> 16)

#define LOOK_MS       4
#define FIRST_LOOK_MS 1
#define FEW           16 /* fewer requests between two looks mean that the leader is blocked */
#define BEHIND        10 /* twice the looks that found requests waiting, less the other looks */
#define LOOKS_IDLE    32 /* looks in a row without a request, until the watcher rests */

/* Bytes of a request whose copying takes so long that another leader is needed. */
#define LONG (32 << 10)

void leader_init(struct leader *leader)
{
	*leader = (struct leader){ .look_ms = LOOK_MS };
	pthread_mutex_init(&leader->lock, NULL);
	clock_cond_init(&leader->watch);
	pthread_cond_init(&leader->other, NULL);
}

void leader_fini(struct leader *leader)
{
	pthread_cond_destroy(&leader->other);
	pthread_cond_destroy(&leader->watch);
	pthread_mutex_destroy(&leader->lock);
}

/* Sleeps until a worker receives a request. Caller holds the lock. */
static void rest(struct leader *leader, uint64_t seen)
{
	leader->unwatched = true;
	/* A worker that received a request before this line does not wake the watcher. */
	if (N_TAKEN(leader->state) != N_TAKEN(seen))
		leader->unwatched = false;
	while (leader->unwatched && !leader->ended)
		pthread_cond_wait(&leader->watch, &leader->lock);
}

static bool lies_in(int queue)
{
	struct pollfd fd = { .fd = queue, .events = POLLIN };

	return poll(&fd, 1, 0) > 0;
}

enum leader_advice leader_look(struct leader_looks *looks, uint64_t state, bool queued)
{
	uint64_t n_taken = N_TAKEN(state) - N_TAKEN(looks->before);

	looks->before = state;
	looks->n_idle = n_taken || !N_WAITING(state) ? 0 : looks->n_idle + 1;
	if (N_WAITING(state) || !queued)
		looks->n_behind -= looks->n_behind > 0;
	else if ((looks->n_behind += 2) >= BEHIND || n_taken < FEW)
		return LEADER_NEEDED;
	if (looks->n_idle < LOOKS_IDLE)
		return LEADER_LOOK_AGAIN;
	looks->n_idle = 0;
	return LEADER_RESTS;
}

/* Returns when another leader is needed. Caller holds the lock. */
static void watch_queue(struct leader *leader, int queue)
{
	struct leader_looks looks = { .before = leader->state };
	unsigned int ms = leader->look_ms ? FIRST_LOOK_MS : 0;

	while (!leader->ended && !leader->called) {
		enum leader_advice advice;
		uint64_t now;

		if (ms)
			clock_cond_wait_ms(&leader->watch, &leader->lock, ms);
		else
			pthread_cond_wait(&leader->watch, &leader->lock);
		now = leader->state;
		advice = leader_look(&looks, now, !N_WAITING(now) && lies_in(queue));
		if (advice == LEADER_NEEDED)
			return;
		if (advice == LEADER_RESTS)
			rest(leader, now);
		ms = leader->look_ms;
	}
}

/* Sleeps until the worker is needed as a leader. */
static void follow(struct leader *leader, int queue)
{
	pthread_mutex_lock(&leader->lock);
	while (leader->watched && !leader->ended)
		pthread_cond_wait(&leader->other, &leader->lock);
	if (!leader->ended) {
		leader->watched = true;
		watch_queue(leader, queue);
		leader->watched = leader->called = false;
		pthread_cond_signal(&leader->other);
	}
	pthread_mutex_unlock(&leader->lock);
}

void leader_begin_wait(struct leader *leader, unsigned int *spare, int queue)
{
	if (!N_WAITING(leader->state)) {
		*spare -= *spare > 0;
	} else if (++*spare > LEADER_SPARE) {
		follow(leader, queue);
		*spare = 0;
	}
	atomic_fetch_add(&leader->state, 1);
}

void leader_end_wait(struct leader *leader, unsigned int *spare, int queue, size_t len)
{
	bool needed = len >= LONG && leader->watched && lies_in(queue);

	atomic_fetch_add(&leader->state, ONE_TAKEN - 1);
	if (len >= LONG)
		*spare = 0;
	if (!leader->unwatched && !needed)
		return;
	pthread_mutex_lock(&leader->lock);
	leader->unwatched = false;
	leader->called = needed;
	pthread_cond_signal(&leader->watch);
	pthread_mutex_unlock(&leader->lock);
}

bool leader_is_missing(const struct leader *leader)
{
	return !N_WAITING(leader->state) && !leader->watched;
}

void leader_release_all(struct leader *leader)
{
	pthread_mutex_lock(&leader->lock);
	leader->ended = true;
	pthread_cond_broadcast(&leader->watch);
	pthread_cond_broadcast(&leader->other);
	pthread_mutex_unlock(&leader->lock);
}
