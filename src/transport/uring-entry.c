// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Entries of the kernel's queues. An entry is a slot for which a command waits in the kernel, on
 * the ring of its channel. Locking as in uring.c: none, the lists all and handed are lock-free.
 */
#include "transport/uring-private.h"
#include "util/log.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct io_uring_sqe *uring_command(struct uring *uring, uint32_t op, uint16_t qid,
				   uint64_t commit_id)
{
	struct io_uring_sqe *sqe = ring_sqe(&uring->ring);
	struct fuse_uring_cmd_req *req;

	if (!sqe) {
		uring->broken = -EIO;
		return NULL;
	}
	sqe->opcode = IORING_OP_URING_CMD;
	sqe->fd = uring->chan.fd;
	sqe->cmd_op = op;
	req = (struct fuse_uring_cmd_req *)sqe->cmd;
	req->qid = qid;
	req->commit_id = commit_id;
	return sqe;
}

/*
 * Fills in the command by which the entry waits for a request. If the entry has had a request, the
 * command also sends the reply to that request.
 */
static void arm(struct uring *uring, struct chan_entry *entry)
{
	bool known = entry->commit_id;
	struct io_uring_sqe *sqe;

	sqe = uring_command(uring,
			    known ? FUSE_IO_URING_CMD_COMMIT_AND_FETCH : FUSE_IO_URING_CMD_REGISTER,
			    entry->queue->qid, entry->commit_id);
	if (!sqe)
		return;
	if (!known) {
		sqe->addr = (uint64_t)(uintptr_t)entry->iov;
		sqe->len = 2;
		if (uring->begun)
			entry->queue->n_new++;
		entry->unfetched = uring->grown = uring->begun;
	}
	sqe->user_data = (uint64_t)(uintptr_t)entry;
}

void uring_arm_event(struct uring *uring)
{
	struct io_uring_sqe *sqe = ring_sqe(&uring->ring);

	if (!sqe) {
		uring->broken = -EIO;
		return;
	}
	sqe->opcode = IORING_OP_READ;
	sqe->fd = uring->event_fd;
	sqe->addr = (uint64_t)(uintptr_t)&uring->event_count;
	sqe->len = sizeof(uring->event_count);
}

/* Makes the owner send the command of an entry. For all threads except the owner. */
static void hand_over(struct uring *uring, struct chan_entry *entry)
{
	struct chan_entry *first = uring->handed;
	uint64_t one = 1;

	do {
		entry->next_handed = first;
	} while (!atomic_compare_exchange_weak(&uring->handed, &first, entry));
	/* The thread that put the first entry into the list wakes the owner for all of them. */
	if (!first && write(uring->event_fd, &one, sizeof(one)) < 0)
		log_error("cannot wake the worker of an io_uring queue, so replies wait for its "
			  "next request: %s",
			  strerror(errno));
}

void uring_take_handed(struct uring *uring)
{
	struct chan_entry *entry, *next;

	/*
	 * Arm the event before taking the list: a thread that adds an entry to the empty list after
	 * that writes to the event, which then wakes this thread. In the other order the event
	 * could be lost, and the reply of that entry would never be sent.
	 */
	uring_arm_event(uring);
	for (entry = atomic_exchange(&uring->handed, NULL); entry; entry = next) {
		next = entry->next_handed;
		arm(uring, entry);
	}
}

/* -- slots ----------------------------------------------------------------------------------- */

/*
 * Returns the queue that has the fewest entries of all channels, or, while begin() runs, the fewest
 * entries of this channel.
 */
static struct queue *poorest(struct uring *uring)
{
	struct queue *queue = &uring->queues[0];

	for (unsigned int i = 1; i < uring->n_queues; i++) {
		struct queue *other = &uring->queues[i];

		if (uring->beginning ? other->n_armed < queue->n_armed :
				       other->first->n_all < queue->first->n_all)
			queue = other;
	}
	return queue;
}

void uring_count(struct queue *queue, int n)
{
	atomic_fetch_add(&queue->n_armed, n);
	atomic_fetch_add(&queue->first->n_all, n);
}

static struct chan_entry *entry_new(struct uring *uring, struct slot *slot)
{
	struct chan_entry *entry = calloc(1, sizeof(*entry));

	if (!entry)
		return NULL;
	entry->slot = slot;
	entry->payload = slot_data(slot);
	if (slot->in_map) {
		entry->payload = mmap(NULL, slot->data_size, PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (entry->payload == MAP_FAILED) {
			free(entry);
			return NULL;
		}
	}
	entry->queue = poorest(uring);
	entry->iov[0] = (struct iovec){ slot_headers(slot), sizeof(*slot_headers(slot)) };
	entry->iov[1] = (struct iovec){ entry->payload, slot->data_size };
	entry->next = uring->all;
	while (!atomic_compare_exchange_weak(&uring->all, &entry->next, entry))
		;
	slot->entry = entry;
	return entry;
}

int uring_give(struct chan *chan, struct slot *slot)
{
	struct uring *uring = uring_of(chan);
	struct chan_entry *entry = slot->entry ? slot->entry : entry_new(uring, slot);

	if (!entry)
		return -ENOMEM;
	/* For entries of begin(), chan_uring_new() has added to n_all already: see refused(). */
	if (uring->begun)
		uring_count(entry->queue, 1);
	else
		atomic_fetch_add(&entry->queue->n_armed, 1);
	if (pthread_equal(pthread_self(), uring->owner))
		arm(uring, entry);
	else
		hand_over(uring, entry);
	return 0;
}

bool uring_wants(struct chan *chan)
{
	struct uring *uring = uring_of(chan);

	for (unsigned int i = 0; i < uring->n_queues; i++)
		if (uring->queues[i].first->n_all <= 0)
			return true;
	return false;
}

/* Returns true if each queue may have an armed entry, for which a request may arrive. */
bool uring_surplus(struct chan *chan)
{
	struct uring *uring = uring_of(chan);
	int n = 0;

	for (unsigned int i = 0; i < uring->n_queues; i++)
		n += uring->queues[i].n_armed;
	return n >= (int)uring->n_queues;
}

void uring_entries_free(struct uring *uring)
{
	struct chan_entry *entry, *next;

	for (entry = uring->all; entry; entry = next) {
		next = entry->next;
		if (entry->slot->in_map)
			munmap(entry->payload, entry->slot->data_size);
		entry->slot->entry = NULL;
		free(entry);
	}
	uring->all = NULL;
}

bool uring_all_seen(struct uring *uring)
{
	for (unsigned int i = 0; i < uring->n_queues; i++)
		if (uring->queues[i].n_armed)
			return false;
	return true;
}
