/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Workers: one thread for each channel, which takes its requests and serves them where they
 * arrived.
 *
 * A worker can be held up by what it does below (a frozen file system, a dead disk). When no other
 * is there to take requests, one more is started: with a transport that owns slots, on a channel
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
	bool extra;         /* constant: started because another worker is held up */
	bool begun;         /* extra: it takes requests, or has failed to; the workers' lock */
	int begin_error;    /* ... 0, or why it has failed; likewise */
	_Atomic uint32_t since_ms; /* the clock when its request came; 0: it has none */
};

struct op_count {
	_Atomic uint64_t n, errors;
};

struct workers {
	struct request_pool *requests; /* borrowed */
	struct latency *latency;       /* borrowed */
	struct watchdog *watchdog;     /* borrowed */
	struct worker *each;           /* n + n_extra_max */
	unsigned int n;                /* constant: workers at the start, one for each channel */
	unsigned int n_extra_max;      /* constant */
	_Atomic unsigned int n_extra;
	struct op_count (*counts)[OP_MAX]; /* one row for each worker */
	_Atomic bool stop;
	pthread_mutex_t grow_lock; /* held while an extra worker is started; before lock */
	struct leader leader;      /* for channels of one queue */

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t idle;  /* a worker has ended, or is ready */
	unsigned int n_alive;
	unsigned int n_beginning; /* of these, those whose channel is being made ready */
	int begin_error;          /* 0, or why a channel could not be made ready */
	bool broken;              /* a queue is no longer served: all has to end */
	int result;
};

/*
 * The greatest number of extra workers; with a transport that owns slots one more for each
 * channel; where filters reach the memory of requests.
 */
#define WORKERS_EXTRA          32
#define WORKERS_EXTRA_FILTERED 16

struct workers_config {
	struct request_pool *requests;
	struct latency *latency;
	struct watchdog *watchdog;
	struct chan *const *chans; /* each is taken, also on failure */
	unsigned int n;
};

/* Returns 0 or -ENOMEM; the caller calls workers_fini() in both cases. */
int workers_init(struct workers *workers, const struct workers_config *config);
/*
 * Returns when all channels are ready, or have fallen back. 0 or -errno; some workers may run then.
 */
int workers_start(struct workers *workers);
/* Waits until the connection ends. 0, or -errno of the worker that failed. */
int workers_wait(struct workers *workers);
/* Ends all workers, whatever the connection does. */
void workers_stop(struct workers *workers);
void workers_fini(struct workers *workers);
/*
 * Starts an extra worker for the channel with this number, and returns when it takes requests;
 * false: there are enough, or it cannot be started.
 */
bool workers_add(struct workers *workers, unsigned int number);
/* Returns true where no worker waits for the next request of the channel's queue. */
bool workers_are_busy(struct workers *workers, struct chan *chan);
/* For the watchdog: starts workers where all are held up; false: there is nothing to check. */
bool workers_check(struct workers *workers);
/* Returns the number of slots that channels which own slots get at the start. */
unsigned int workers_n_slots(const struct workers *workers);
