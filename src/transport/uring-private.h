/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Declarations that the three files of the io_uring transport share. uring.c explains design and
 * locks. uring-entry.c sends the commands of entries, uring-fetch.c makes the kernel send requests
 * that wait.
 */
#include "transport/chan.h"
#include "transport/ring.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

/* One of the kernel's queues, as one channel uses it. */
struct queue {
	uint16_t qid;
	_Atomic int n_armed; /* entries that wait in the kernel, or are on their way there */
	unsigned int n_new;  /* late entries whose registration is being sent; the owner's */
	/*
	 * Constant: the same queue in the first channel that has it. The members below are used
	 * there only, for all channels of the queue.
	 */
	struct queue *first;
	_Atomic int n_all;       /* sum of n_armed */
	_Atomic int n_unfetched; /* see uring_fetch() */
	_Atomic uint64_t file;   /* a regular file that the kernel knew lately; 0: none yet */
};

struct chan_entry {
	struct slot *slot; /* constant, as queue */
	struct queue *queue;
	struct chan_entry *next; /* in the list of the channel's entries */
	struct chan_entry *next_handed;
	uint64_t commit_id; /* the kernel's number of the request; 0: not registered yet */
	bool unfetched;     /* n_unfetched may count this entry; the owner's */
	char *payload;      /* names and data for the kernel: slot_data(), or ordinary memory */
	struct iovec iov[2];
};

struct uring {
	struct chan chan;
	struct ring ring;
	pthread_t owner; /* the thread that called begin() */
	struct queue *queues;
	unsigned int n_queues;
	struct chan_entry *_Atomic all;
	struct chan_entry *_Atomic handed; /* entries that other threads hand over to the owner */
	int event_fd;                      /* wakes the owner for these */
	uint64_t event_count;
	_Atomic bool gone;     /* the connection has ended */
	bool beginning, begun; /* begin() runs; its entries have been sent */
	bool late;             /* constant: made by more(), for queues that are in use already */
	bool grown;            /* one of the queues has n_new; the owner's */
	int broken;            /* 0, or -errno: the ring does not work */
};

static inline struct uring *uring_of(struct chan *chan)
{
	return (struct uring *)chan;
}

/* -- uring-entry.c: for the owner, but for uring_give(), uring_wants(), uring_surplus() -------- */

/*
 * Returns a command for a queue, to be filled further. NULL: the ring does not work, as
 * uring->broken says.
 */
struct io_uring_sqe *uring_command(struct uring *uring, uint32_t op, uint16_t qid,
				   uint64_t commit_id);
/* Waits for entries that other threads hand over. */
void uring_arm_event(struct uring *uring);
/* Sends the commands of entries that other threads have handed over. */
void uring_take_handed(struct uring *uring);
/* Counts entries that are armed (n is 1) or have completed (-1). */
void uring_count(struct queue *queue, int n);
/* Returns true once no entry is armed. */
bool uring_all_seen(struct uring *uring);
void uring_entries_free(struct uring *uring);
int uring_give(struct chan *chan, struct slot *slot);
bool uring_wants(struct chan *chan);
bool uring_surplus(struct chan *chan);

/* -- uring-fetch.c --------------------------------------------------------------------------- */

/* To be called by the owner when the registrations of new entries have been sent. */
void uring_fetch_new(struct uring *uring);
/* To be called by the owner when the entry has a request. */
void uring_fetched(struct chan_entry *entry);
/*
 * Makes the kernel send requests that have waited in the queues of a channel since before an entry
 * was registered. Any thread may call it. Returns false where the kernel cannot be made to.
 */
bool uring_fetch(struct chan *chan);
