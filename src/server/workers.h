/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Workers: one thread for each channel, which takes its requests and serves them where they
 * arrived.
 *
 * A worker can be held up by what it does below (a frozen file system, a dead disk). When no other
 * is there to take requests, one more is started: with a transport that keeps slots, on a channel
 * of its own beside that of the one that is held up; else on the same channel.
 */
#include "transport/chan.h"
#include "server/watchdog.h"
#include "server/leader.h"
#include "server/request-pool.h"
#include "filter/op.h"

#include <pthread.h>

struct worker {
	struct workers *workers;
	struct chan *chan; /* owned */
	unsigned int number;
	pthread_t thread;
	bool started;
	unsigned int spare; /* its own, see server/leader.h */
	bool late;	    /* constant: started to take the place of others that are held up */
	bool begun;	    /* late: it takes requests, or has failed to; the workers' lock */
	_Atomic uint32_t since_ms; /* the clock when it began with a request; 0: it has none */
};

struct op_count {
	_Atomic uint64_t n, errors;
};

struct workers {
	struct request_pool *requests; /* borrowed */
	struct latency *latency; /* borrowed */
	struct watchdog *watchdog; /* borrowed */
	struct worker *each; /* n + n_late_max */
	unsigned int n; /* at the start */
	unsigned int n_late_max; /* constant */
	_Atomic unsigned int n_late;
	struct op_count (*counts)[OP_MAX]; /* one row for each worker */
	_Atomic bool stop;
	pthread_mutex_t grow_lock; /* for starting late ones; before lock */
	struct leader leader; /* for channels of one queue */

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t idle;  /* a worker has ended, or is ready */
	unsigned int n_alive;
	unsigned int n_beginning; /* of these, those whose channel is being made ready */
	int begin_error;	  /* 0, or why a channel could not be made ready */
	bool broken;		  /* a queue is no longer served: all has to end */
	int result;
};

/*
 * Those that are started later, at most, and with a transport that keeps slots one more for each
 * channel; where filters reach the memory of the requests that threads have, at most.
 */
#define WORKERS_LATE 32
#define WORKERS_LATE_FILTERED 16

struct workers_config {
	struct request_pool *requests;
	struct latency *latency;
	struct watchdog *watchdog;
	struct chan *const *chans; /* each is taken, also on failure */
	unsigned int n;
};

/* 0 or -ENOMEM; workers_fini() is due in any case. */
int workers_init(struct workers *workers, const struct workers_config *config);
/* Returns when all channels are ready, or have fallen back. 0 or -errno; some may run then. */
int workers_start(struct workers *workers);
/* Waits until all have seen the connection end; 0 or the negative errno of what broke. */
int workers_wait(struct workers *workers);
/* Ends them, whatever the connection does. */
void workers_stop(struct workers *workers);
void workers_fini(struct workers *workers);
/*
 * Starts one more worker beside that with this number, and returns when it takes requests; false:
 * there are enough, or it cannot be started.
 */
bool workers_grow(struct workers *workers, unsigned int number);
/*
 * Whether nobody is there to take the next request that comes by the channel, or by those it shares
 * with.
 */
bool workers_are_bare(struct workers *workers, struct chan *chan);
/* For the watchdog: starts workers where all are held up; false: nothing has to be checked. */
bool workers_check(struct workers *workers);
/* Entries that channels which keep slots get at the start. */
unsigned int workers_n_lent(const struct workers *workers);
