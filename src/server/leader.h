/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Leader/Followers: of the workers that share one queue, only as many wait for its requests as are
 * needed to keep up; leader.c says why. The workers that wait for requests are leaders; all other
 * workers, the followers, sleep.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct leader {
	_Atomic uint64_t state;      /* number of requests taken << 16 | number of leaders */
	_Atomic bool unwatched;      /* the worker that takes the next request wakes the watcher */
	_Atomic bool watched;        /* a follower watches the queue; lock to write */
	pthread_mutex_t lock;        /* guards the members below */
	pthread_cond_t watch, other; /* the watcher sleeps on watch, other followers on other */
	unsigned int look_ms;        /* time between two looks; 0 in tests: wait for watch */
	bool called;                 /* the watcher has to become a leader immediately */
	bool ended;
};

/* The observations of the watcher. */
struct leader_looks {
	uint64_t before; /* state at the last look */
	unsigned int n_behind, n_idle;
};

enum leader_advice {
	LEADER_LOOK_AGAIN,
	LEADER_NEEDED, /* the view needs another leader */
	LEADER_RESTS,  /* no request has arrived for a while, so the watcher stops looking */
};

/*
 * Records a look at the queue. state is leader->state; queued is true if requests are queued and no
 * leader waits. Returns the next action of the watcher.
 */
enum leader_advice leader_look(struct leader_looks *looks, uint64_t state, bool queued);

void leader_init(struct leader *leader);
void leader_fini(struct leader *leader);

/*
 * A worker calls this before it waits for a request. Returns when the worker is needed as a leader.
 * queue is a descriptor that poll(2) reports as readable while requests are queued. *spare belongs
 * to the worker, and is LEADER_SPARE at first.
 */
#define LEADER_SPARE 32u
void leader_begin_wait(struct leader *leader, unsigned int *spare, int queue);
/* A worker calls this after the wait; len is the size of the request in bytes, or 0 for none. */
void leader_end_wait(struct leader *leader, unsigned int *spare, int queue, size_t len);

/* Returns true if no leader waits for a request, and no follower watches the queue. */
bool leader_is_missing(const struct leader *leader);
/* Makes all followers leaders permanently, so that they see the end of the connection. */
void leader_release_all(struct leader *leader);
