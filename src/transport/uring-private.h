/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Declarations that the three files of the io_uring transport share; uring.c explains design and
 * locks. uring-entry.c has the commands of entries, uring-fetch.c makes the kernel send what waits.
 */
#include "transport/chan.h"
#include "transport/ring.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

/* One of the kernel's queues, as a channel has it. */
struct queue {
	uint16_t qid;
	_Atomic int n_armed; /* entries that wait in the kernel, or are on their way there */
	unsigned int n_new;  /* the owner's: late entries whose registration is being sent */
	/*
	 * Constant: the same queue in the first of its channels. The members below are in there,
	 * for all channels of the queue.
	 */
	struct queue *first;
	_Atomic int n_all;       /* n_armed of all */
	_Atomic int n_unfetched; /* see uring_fetch() */
	_Atomic uint64_t file;   /* a regular file that the kernel knew lately; 0: none yet */
};

struct chan_entry {
	struct slot *slot; /* constant, as queue */
	struct queue *queue;
	struct chan_entry *next; /* all of the channel */
	struct chan_entry *next_handed;
	uint64_t commit_id; /* the kernel's number of the request; 0: not registered yet */
	bool unfetched;     /* the owner's: n_unfetched may count it */
	char *payload; /* what the kernel copies to and from: the slot's data, or ordinary memory */
	struct iovec iov[2];
};

struct uring {
	struct chan chan;
	struct ring ring;
	pthread_t owner; /* since it has begun */
	struct queue *queues;
	unsigned int n_queues;
	struct chan_entry *_Atomic all;
	struct chan_entry *_Atomic handed;
	int event_fd; /* wakes the owner: something was handed over */
	uint64_t event_count;
	_Atomic bool gone; /* the connection has ended */
	bool beginning, begun;
	bool late;  /* constant: it came when the queues were in use already */
	bool grown; /* the owner's: one of the queues has n_new */
	int broken; /* 0, or -errno: the ring does not work */
};

static inline struct uring *uring_of(struct chan *chan)
{
	return (struct uring *)chan;
}

/* -- uring-entry.c: for the owner, but for uring_give(), uring_wants(), uring_surplus() -------- */

/* Fills a command for a queue; NULL: the ring does not work. */
struct io_uring_sqe *uring_command(struct uring *uring, uint32_t op, uint16_t qid,
				   uint64_t commit_id);
/* Waits for what others hand over. */
void uring_arm_event(struct uring *uring);
/* Sends what others have handed over. */
void uring_take_handed(struct uring *uring);
/* An entry is armed (1) or has come back (-1). */
void uring_count(struct queue *queue, int n);
/* Returns true once no entry is armed. */
bool uring_all_seen(struct uring *uring);
void uring_entries_free(struct uring *uring);
int uring_give(struct chan *chan, struct slot *slot);
bool uring_wants(struct chan *chan);
bool uring_surplus(struct chan *chan);

/* -- uring-fetch.c --------------------------------------------------------------------------- */

/* By the owner: new entries have been registered. */
void uring_fetch_new(struct uring *uring);
/* By the owner: the entry has got a request. */
void uring_fetched(struct chan_entry *entry);
/*
 * Makes sure that requests are sent that have waited in the kernel's queues of a channel since
 * before an entry was registered. From any thread. False: the kernel cannot be made to.
 */
bool uring_fetch(struct chan *chan);
