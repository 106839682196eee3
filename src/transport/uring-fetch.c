// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Makes the kernel send requests that wait in its queue. The kernel takes a request out of the
 * queue when an entry commits the reply to another one, and sends each new request to an entry that
 * waits. So a request waits as long as no entry does. But the kernel overlooks requests that waited
 * when an entry was registered, until some entry commits a reply (fuse_uring_do_register() looks at
 * none). If all entries have requests that wait for something, that may be never.
 *
 * So after each late registration this file makes the kernel send a dummy request, by
 * FUSE_NOTIFY_RETRIEVE of no bytes (which asks for parts of the page cache). The dummy request goes
 * to an entry that waits, and the commit of its reply takes the next request out of the queue. One
 * for each registration is enough: each takes another entry, and an entry that has committed waits
 * only if the queue was empty then.
 *
 * The kernel sends the dummy request for a regular file that it knows, on the queue of the CPU that
 * calls. If the kernel knows no such file, or this process may not run on that CPU (cpusets), the
 * next request that is about to wait tries again, unless the entry has got a request of that CPU
 * meanwhile. Until then a request that waits in the queue waits for one of the requests before it.
 * Locks are not among these: their file is regular, and the kernel knows it.
 */
#include "transport/uring-private.h"
#include "util/cpu.h"

/* Even, as the kernel's numbers are, and larger than any of these will ever be. */
#define FIRST_NUMBER (1ULL << 62)

/*
 * Makes the kernel send a dummy request. The kernel finds the request of a reply by its number, in
 * a table of the queue. So no two dummy requests have the same number, whichever channel they are
 * for: else the kernel mistakes one entry for another, and a request that it puts there afterwards
 * never arrives.
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
 * Runs on the CPU of the queue. The kernel may have forgotten first->file: its FORGET may not have
 * arrived yet.
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
