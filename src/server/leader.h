/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Leader/Followers: of the workers that share one queue, as few wait for its requests as keep up
 * with it; leader.c says why. The workers that wait at the queue are leaders; the others,
 * followers, sleep.
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
	unsigned int look_ms;        /* between two looks; 0, for tests: until watch is signalled */
	bool called;                 /* the watcher has to become a leader at once */
	bool ended;
};

/* The observations of the watcher. */
struct leader_looks {
	uint64_t before; /* state at the last look */
	unsigned int n_behind, n_idle;
};

enum leader_advice {
	LEADER_LOOK_AGAIN,
	LEADER_NEEDED, /* another worker has to take requests */
	LEADER_RESTS,  /* no request was taken for a while: stop looking */
};

/*
 * Adds a look at the queue: its state, and whether requests lie in it while no leader waits
 * (queued). Returns what the watcher does next.
 */
enum leader_advice leader_look(struct leader_looks *looks, uint64_t state, bool queued);

void leader_init(struct leader *leader);
void leader_fini(struct leader *leader);

/*
 * To be called before a worker waits for a request; returns when the worker is needed as a leader.
 * queue is a descriptor of the queue that poll(2) reports readable while requests lie in it. *spare
 * belongs to the worker and begins as LEADER_SPARE.
 */
#define LEADER_SPARE 32u
void leader_begin_wait(struct leader *leader, unsigned int *spare, int queue);
/* To be called after that wait, with the size of the request in bytes; 0: there is none. */
void leader_end_wait(struct leader *leader, unsigned int *spare, int queue, size_t len);

/* Returns true where no leader waits for a request, and no follower would notice. */
bool leader_is_missing(const struct leader *leader);
/* Makes all followers leaders, for good, so that they see the end of the connection. */
void leader_release_all(struct leader *leader);
