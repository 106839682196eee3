/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Workers: one thread for each channel, which receives requests and serves them where they arrived.
 *
 * An operation on the lower file system can block a worker (a frozen file system, a dead disk).
 * When no other worker is left to receive requests, the watchdog or a request starts an extra
 * worker: with io_uring on a channel of its own for the same queues, else on the same channel.
 */
#include "transport/chan.h"
#include "filter/op.h"
#include "server/leader.h"
#include "server/request-pool.h"
#include "server/ticker.h"

#include <pthread.h>

struct worker {
	struct workers *workers;
	struct chan *chan; /* owned, except for an extra worker on the channel of another worker */
	unsigned int number; /* of the channel, or of the first channel of the same queues */
	pthread_t thread;
	bool started;
	unsigned int spare;        /* see server/leader.h */
	bool extra;                /* constant: started because another worker is blocked */
	bool begun;                /* begin_error is valid; workers->lock */
	int begin_error;           /* 0, or -errno if the worker cannot receive requests */
	_Atomic uint32_t since_ms; /* clock_ms() when its request arrived; 0 if it has none */
};

struct op_count {
	_Atomic uint64_t n, errors;
};

struct workers {
	struct request_pool *requests; /* borrowed */
	struct ticker *watchdog;       /* borrowed: calls workers_check() */
	struct worker *each;           /* n + n_extra_max */
	unsigned int n;                /* constant: workers at the start, one for each channel */
	unsigned int n_extra_max;      /* constant */
	_Atomic unsigned int n_extra;
	struct op_count (*counts)[OP_MAX]; /* one row for each channel of the start */
	_Atomic bool stop;
	pthread_mutex_t grow_lock; /* held while an extra worker is started; taken before lock */
	struct leader leader;      /* for channels that share one queue */

	pthread_mutex_t lock; /* guards the members below */
	pthread_cond_t idle;  /* a worker has begun, or has ended */
	unsigned int n_alive;
	unsigned int n_beginning; /* workers whose channels own slots and are not ready yet */
	int begin_error;          /* 0, or the -errno of a channel that cannot be made ready */
	bool broken;              /* a queue has no worker any more, so the view has to end */
	int result;
};

/*
 * The maximum of extra workers; with io_uring, one more for each channel. The second number applies
 * without io_uring if requests lie in a BPF map.
 */
#define WORKERS_EXTRA          32
#define WORKERS_EXTRA_FILTERED 16

/*
 * Takes ownership of the n channels, even on failure. Borrows requests and watchdog. Returns 0 or
 * -ENOMEM; the caller calls workers_fini() in both cases.
 */
int workers_init(struct workers *workers, struct request_pool *requests, struct ticker *watchdog,
		 struct chan *const *chans, unsigned int n);
/*
 * Starts the workers, and waits until all channels are ready or have fallen back on /dev/fuse.
 * Returns 0, or -errno; some workers may run even after a failure, until workers_stop().
 */
int workers_start(struct workers *workers);
/* Waits until the connection ends. Returns 0, or the -errno of the worker that failed. */
int workers_wait(struct workers *workers);
/* Ends all workers, even while the connection lasts. */
void workers_stop(struct workers *workers);
void workers_fini(struct workers *workers);
/*
 * Starts an extra worker for the channel with this number, and waits until it receives requests.
 * Returns false if the maximum is reached or the worker cannot be started.
 */
bool workers_add(struct workers *workers, unsigned int number);
/* Returns true if no worker waits for the next request of the channel's queue. */
bool workers_are_busy(struct workers *workers, struct chan *chan);
/*
 * For the watchdog: records how long operations have taken until now, and starts an extra worker if
 * all workers of a queue are blocked. Returns false if no worker has to be checked again.
 */
bool workers_check(struct workers *workers);
/* Returns the number of slots that channels get at the start. */
unsigned int workers_n_slots(const struct workers *workers);
