// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Makes the kernel send requests that wait in its queue. The kernel sends a new request to an entry
 * that waits, if there is one; else it queues the request, and dispatches the next queued request
 * when an entry commits a reply. A registration does not dispatch (fuse_uring_do_register()): a
 * request that was queued before an entry was registered stays queued, although that entry waits,
 * until some entry commits a reply. If the requests of all other entries wait for the queued one,
 * for example for its unlock, this is a deadlock.
 *
 * So after each late registration this file makes the kernel send a dummy request, by
 * FUSE_NOTIFY_RETRIEVE of no bytes (which asks for parts of the page cache). The dummy request goes
 * to an entry that waits, and the commit of its reply dispatches the next queued request. One dummy
 * request for each registration is enough: each goes to another entry, and an entry that has
 * committed a reply waits only if the queue was empty at that time.
 *
 * The kernel sends the dummy request for a regular file that it knows, on the queue of the CPU of
 * the calling thread. If the kernel knows no regular file, or this process may not run on that CPU
 * (cpusets), the worker that is about to block next tries again, unless a request has arrived for
 * the entry meanwhile. Until then a queued request waits for one of the requests before it. These
 * cannot be waiting for a lock, because the kernel would know the regular file of the lock.
 */
#include "transport/uring-private.h"
#include "util/cpu.h"

/* The kernel's request numbers are even, as this one, and will never become as large. */
#define FIRST_NUMBER (1ULL << 62)

/*
 * Makes the kernel send a dummy request for the file nodeid. Returns true if the kernel did. The
 * kernel finds the request of a reply by its number, in a table of the queue. So all dummy requests
 * of the process have different numbers: with equal numbers, the kernel would mistake one entry for
 * another, and the next request for that entry would never arrive.
 */
static bool retrieve(void *aux, uint64_t nodeid)
{
	struct uring *uring = aux;
	static _Atomic uint64_t n_requests;
	struct fuse_notify_retrieve_out out = {
		.notify_unique = FIRST_NUMBER + 2 * n_requests++,
		.nodeid = nodeid,
	};

	return chan_dev_notify(&uring->chan, FUSE_NOTIFY_RETRIEVE, &out, sizeof(out), NULL, 0) == 0;
}

/*
 * Makes the kernel send a dummy request for any regular file. Must run on the CPU of the queue.
 * Tries first->file before others; the kernel may have forgotten that file by now.
 */
static bool retrieve_any(struct uring *uring, struct queue *first)
{
	const struct chan_host *host = uring->chan.host;

	if (first->file && retrieve(uring, first->file))
		return true;
	first->file = host ? host->find_file(host->aux, retrieve, uring) : 0;
	return first->file;
}

static bool fetch(struct uring *uring, const struct queue *queue)
{
	struct queue *first = queue->first;
	cpu_set_t *was;
	int n;

	if (first->n_unfetched <= 0)
		return true;
	if (cpu_enter(queue->qid, &was) < 0)
		return false;
	n = atomic_exchange(&first->n_unfetched, 0);
	while (n > 0 && retrieve_any(uring, first))
		n--;
	atomic_fetch_add(&first->n_unfetched, n);
	cpu_leave(was);
	return n <= 0;
}

void uring_fetch_new(struct uring *uring)
{
	uring->grown = false;
	for (unsigned int i = 0; i < uring->n_queues; i++) {
		struct queue *queue = &uring->queues[i];

		if (!queue->n_new)
			continue;
		atomic_fetch_add(&queue->first->n_unfetched, (int)queue->n_new);
		queue->n_new = 0;
		if (!fetch(uring, queue))
			continue;
		for (struct chan_entry *entry = uring->all; entry; entry = entry->next)
			if (entry->queue == queue)
				entry->unfetched = false;
	}
}

void uring_fetched(struct chan_entry *entry)
{
	_Atomic int *n_unfetched = &entry->queue->first->n_unfetched;
	int n = *n_unfetched;

	if (!entry->unfetched)
		return;
	entry->unfetched = false;
	while (n > 0 && !atomic_compare_exchange_weak(n_unfetched, &n, n - 1))
		;
}

bool uring_fetch(struct chan *chan)
{
	struct uring *uring = uring_of(chan);
	bool all = true;

	for (unsigned int i = 0; i < uring->n_queues; i++)
		all &= fetch(uring, &uring->queues[i]);
	return all;
}
