/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Workers: one thread for each channel, which takes its requests and serves them where they arrived. */
#include "chan/chan.h"
#include "core/standby.h"
#include "core/supply.h"
#include "wire/op.h"

#include <pthread.h>

struct worker {
	struct workers *workers;
	struct chan *chan; /* owned */
	unsigned int number;
	pthread_t thread;
	bool started;
	unsigned int spare; /* its own, see core/standby.h */
};

struct op_count {
	_Atomic uint64_t n, errors;
};

struct workers {
	struct supply *supply; /* borrowed */
	struct worker *each;
	unsigned int n;
	struct op_count (*counts)[OP_MAX]; /* one row for each worker */
	_Atomic bool stop;
	struct standby standby; /* for channels of one queue */

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t idle;  /* a worker has ended, or is ready */
	unsigned int n_alive;
	unsigned int n_beginning; /* of these, those whose channel is being made ready */
	int begin_error;	  /* 0, or why a channel could not be made ready */
	bool broken;		  /* a queue is no longer served: all has to end */
	int result;
};

/* The channels are taken, also on failure: 0 or -ENOMEM. workers_fini() is due in any case. */
int workers_init(struct workers *workers, struct supply *supply, struct chan *const *chans,
		 unsigned int n);
/* Returns when all channels are ready, or have fallen back. 0 or -errno; some may run then. */
int workers_start(struct workers *workers);
/* Waits until all have seen the connection end; 0 or the negative errno of what broke. */
int workers_wait(struct workers *workers);
/* Ends them, whatever the connection does. */
void workers_stop(struct workers *workers);
void workers_fini(struct workers *workers);
/* Entries that channels which keep slots get at the start. */
unsigned int workers_n_lent(const struct workers *workers);
