/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* How many of the workers that share one queue wait for its requests: see leader.c. */
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct standby {
	_Atomic uint64_t state;	     /* requests taken, << 16; and how many wait for one */
	_Atomic bool unwatched;	     /* who takes a request calls the watch */
	_Atomic bool watched;	     /* one of those that stand by keeps watch; lock to write */
	pthread_mutex_t lock;	     /* guards what follows */
	pthread_cond_t watch, other; /* the one that keeps watch waits here; the others */
	unsigned int look_ms;	     /* how often whoever keeps watch looks; 0: when watch is signalled */
	bool called;		     /* it is needed */
	bool ended;
};

/* What the worker that keeps watch has seen, look by look. */
struct standby_looks {
	uint64_t before;	     /* state at the last look */
	unsigned int n_behind, n_idle;
};

enum standby_sight {
	STANDBY_LOOK_AGAIN,
	STANDBY_NEEDED,		     /* another worker has to take requests */
	STANDBY_REST,		     /* nothing was taken for a while */
};

/* Adds a look that found this state and, if queued, requests that nobody waits for. Returns what follows. */
enum standby_sight standby_look(struct standby_looks *looks, uint64_t state, bool queued);

void standby_init(struct standby *standby);
void standby_fini(struct standby *standby);

/*
 * Before a worker waits for a request from the queue, a descriptor that poll(2) says readable of when
 * there are some: returns when it is needed there. *spare is the worker's own, at first STANDBY_SPARE.
 */
#define STANDBY_SPARE 32u
void standby_enter(struct standby *standby, unsigned int *spare, int queue);
/* When that wait has ended, with a request of so many bytes, or with none. */
void standby_leave(struct standby *standby, unsigned int *spare, int queue, size_t len);

/* Whether nobody waits for a request, and nobody stands by. */
bool standby_is_empty(const struct standby *standby);
/* From now on all are needed. */
void standby_end(struct standby *standby);
