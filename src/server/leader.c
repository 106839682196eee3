// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Of threads that wait for requests of /dev/fuse the kernel wakes the one that has waited longest. So
 * with several each request goes to another one, which slept on another CPU; and for a RELEASE, for
 * which nobody waits, a second one takes the CPU that the asker wants. Therefore one waits there while
 * it keeps up with what comes, and the others stand by.
 *
 * One of those keeps watch, as long as there are requests: it looks every few milliseconds. When
 * requests lie in the queue and nobody waits for them, it is needed: at once if few were taken since
 * it last looked, for then who took them is held up; else if it goes on seeing that more than each
 * third time (with one asker it is up to each sixth, with two more than each second). Who copies a long
 * request calls it by himself. A worker that mostly finds another one waiting before it is not needed,
 * and stands by.
 *
 * Where nothing was taken for a while nobody keeps watch, so an idle view wakes no one. The worker that
 * takes the next request calls the watch.
 */
#include "server/leader.h"
#include "util/clock.h"

#include <poll.h>
#include <stdatomic.h>

#define ONE_TAKEN (1ULL << 16)
#define N_WAITING(state) ((state) & (ONE_TAKEN - 1))
#define N_TAKEN(state) ((state) >> 16)

#define LOOK_MS 4
#define FIRST_LOOK_MS 1
#define FEW 16	  /* taken between two looks */
#define BEHIND 10 /* twice the looks that saw it, less the others, until another one is needed */
#define LOOKS_IDLE 32 /* in a row, until nobody keeps watch */

/* Bytes whose copying takes long enough for another one to be needed. */
#define LONG (32 << 10)

void standby_init(struct standby *standby)
{
	*standby = (struct standby){ .look_ms = LOOK_MS };
	pthread_mutex_init(&standby->lock, NULL);
	clock_cond_init(&standby->watch);
	pthread_cond_init(&standby->other, NULL);
}

void standby_fini(struct standby *standby)
{
	pthread_cond_destroy(&standby->other);
	pthread_cond_destroy(&standby->watch);
	pthread_mutex_destroy(&standby->lock);
}

static void sleep_ms(struct standby *standby, unsigned int ms)
{
	if (ms)
		clock_cond_wait_ms(&standby->watch, &standby->lock, ms);
	else
		pthread_cond_wait(&standby->watch, &standby->lock);
}

/* Nothing is to be seen: until a request is taken. Caller holds the lock. */
static void rest(struct standby *standby, uint64_t seen)
{
	standby->unwatched = true;
	/* Who took one before that did not call. */
	if (N_TAKEN(standby->state) != N_TAKEN(seen))
		standby->unwatched = false;
	while (standby->unwatched && !standby->ended)
		pthread_cond_wait(&standby->watch, &standby->lock);
}

static bool lies_in(int queue)
{
	struct pollfd fd = { .fd = queue, .events = POLLIN };

	return poll(&fd, 1, 0) > 0;
}

enum standby_sight standby_look(struct standby_looks *looks, uint64_t state, bool queued)
{
	uint64_t n_taken = N_TAKEN(state) - N_TAKEN(looks->before);

	looks->before = state;
	looks->n_idle = n_taken || !N_WAITING(state) ? 0 : looks->n_idle + 1;
	if (N_WAITING(state) || !queued)
		looks->n_behind -= looks->n_behind > 0;
	else if ((looks->n_behind += 2) >= BEHIND || n_taken < FEW)
		return STANDBY_NEEDED;
	if (looks->n_idle < LOOKS_IDLE)
		return STANDBY_LOOK_AGAIN;
	looks->n_idle = 0;
	return STANDBY_REST;
}

/* Returns when another worker is needed. Caller holds the lock. */
static void keep_watch(struct standby *standby, int queue)
{
	struct standby_looks looks = { .before = standby->state };
	unsigned int ms = standby->look_ms ? FIRST_LOOK_MS : 0;

	while (!standby->ended && !standby->called) {
		enum standby_sight sight;
		uint64_t now;

		sleep_ms(standby, ms);
		now = standby->state;
		sight = standby_look(&looks, now, !N_WAITING(now) && lies_in(queue));
		if (sight == STANDBY_NEEDED)
			return;
		if (sight == STANDBY_REST)
			rest(standby, now);
		ms = standby->look_ms;
	}
}

/* Until it is needed. */
static void stand_by(struct standby *standby, int queue)
{
	pthread_mutex_lock(&standby->lock);
	while (standby->watched && !standby->ended)
		pthread_cond_wait(&standby->other, &standby->lock);
	if (!standby->ended) {
		standby->watched = true;
		keep_watch(standby, queue);
		standby->watched = standby->called = false;
		pthread_cond_signal(&standby->other);
	}
	pthread_mutex_unlock(&standby->lock);
}

void standby_enter(struct standby *standby, unsigned int *spare, int queue)
{
	if (!N_WAITING(standby->state)) {
		*spare -= *spare > 0;
	} else if (++*spare > STANDBY_SPARE) {
		stand_by(standby, queue);
		*spare = 0;
	}
	atomic_fetch_add(&standby->state, 1);
}

void standby_leave(struct standby *standby, unsigned int *spare, int queue, size_t len)
{
	bool needed = len >= LONG && standby->watched && lies_in(queue);

	atomic_fetch_add(&standby->state, ONE_TAKEN - 1);
	if (len >= LONG)
		*spare = 0;
	if (!standby->unwatched && !needed)
		return;
	pthread_mutex_lock(&standby->lock);
	standby->unwatched = false;
	standby->called = needed;
	pthread_cond_signal(&standby->watch);
	pthread_mutex_unlock(&standby->lock);
}

bool standby_is_empty(const struct standby *standby)
{
	return !N_WAITING(standby->state) && !standby->watched;
}

void standby_end(struct standby *standby)
{
	pthread_mutex_lock(&standby->lock);
	standby->ended = true;
	pthread_cond_broadcast(&standby->watch);
	pthread_cond_broadcast(&standby->other);
	pthread_mutex_unlock(&standby->lock);
}
