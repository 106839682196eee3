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
	_Atomic int n_armed; /* entries that wait in the kernel, or whose command is not sent yet */
	unsigned int n_new;  /* late entries whose registration is being sent; owner only */
	/*
	 * The same queue in the first channel that was created for it; constant. The members below
	 * are used in first only, and count for all channels of the queue.
	 */
	struct queue *first;
	_Atomic int n_all;       /* sum of n_armed of all channels */
	_Atomic int n_unfetched; /* late registrations that need a dummy request: uring_fetch() */
	_Atomic uint64_t file;   /* nodeid of a regular file that the kernel knew lately, or 0 */
};

struct chan_entry {
	struct slot *slot;       /* constant */
	struct queue *queue;     /* constant */
	struct chan_entry *next; /* in the list of the channel's entries */
	struct chan_entry *next_handed;
	uint64_t commit_id; /* the kernel's number of the request; 0 before the first request */
	bool unfetched;     /* n_unfetched may count this entry; owner only */
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
	int event_fd;                      /* wakes the owner when handed is not empty */
	uint64_t event_count;              /* the owner reads the event to this */
	_Atomic bool gone; /* the connection has ended, or this channel has no entry left */
	bool beginning;    /* begin() runs */
	bool begun;        /* entries that are armed from now on are late */
	bool late;         /* constant: .more made the channel, for queues in use */
	bool grown;        /* n_new of one of the queues is not 0; owner only */
	int broken;        /* 0, or -errno if the ring does not work any more */
};

static inline struct uring *uring_of(struct chan *chan)
{
	return (struct uring *)chan;
}

/* -- uring-entry.c: the owner only, except uring_give(), uring_wants(), uring_surplus() -------- */

/*
 * Returns a command for a queue, which the caller fills further and ring_enter() submits. Sets
 * uring->broken and returns NULL if the ring does not work.
 */
struct io_uring_sqe *uring_command(struct uring *uring, uint32_t op, uint16_t qid,
				   uint64_t commit_id);
/* Submits a read of the event by which other threads announce entries in handed. */
void uring_arm_event(struct uring *uring);
/* Sends the commands of entries that other threads have handed over. */
void uring_take_handed(struct uring *uring);
/* Adds n to the counts of armed entries: 1 for an entry that is armed, -1 for a completion. */
void uring_count(struct queue *queue, int n);
/* Returns true if no entry of the channel is armed. */
bool uring_all_seen(struct uring *uring);
void uring_entries_free(struct uring *uring);
int uring_give(struct chan *chan, struct slot *slot);
bool uring_wants(struct chan *chan);
bool uring_surplus(struct chan *chan);

/* -- uring-fetch.c --------------------------------------------------------------------------- */

/* Sends dummy requests for new entries. The owner calls this after it has registered them. */
void uring_fetch_new(struct uring *uring);
/* Notes that a request has arrived for the entry, so it needs no dummy request. Owner only. */
void uring_fetched(struct chan_entry *entry);
/*
 * Makes the kernel send requests that have waited in the queues of a channel since before an entry
 * was registered. Any thread may call it. Returns false if that is not possible now.
 */
bool uring_fetch(struct chan *chan);
