// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The io_uring transport of FUSE. The kernel has one queue for each CPU and puts a request into the
 * queue of the CPU on which the client runs. A channel is a ring with the one thread that receives
 * on it; a queue has one channel or several. An entry is a slot (the memory of one request) that a
 * channel has registered with its queue. For each entry the thread submits a command, which waits
 * in the kernel and completes when the slot has a request. The next command for the entry carries
 * the reply and waits for another request. So each request takes one system call, which sends the
 * reply, waits and receives.
 *
 * Invariants:
 * - The kernel fills a slot as task work of the thread that submitted the command. So only the
 *   receiving thread of a channel submits commands there. A thread that has served a request
 *   elsewhere hands the entry over to the receiving thread.
 * - While a thread is blocked, the requests that arrive for its entries wait. So a thread that may
 *   block has at most one entry: its queue has several channels with one entry each, which more()
 *   adds. The kernel gives a request to the entry that was submitted last. A channel that was given
 *   further entries (surplus) leaves operations that may block to other threads.
 * - No deadlock: an operation may wait until another request of its queue has been served, such as
 *   an unlock. So each queue has a waiting entry, or all its requests are being served and will
 *   end. Before an operation waits for a lock or in the pool, the worker asks wants(), and makes
 *   another channel for the queue or gives its channel another entry.
 * - A reply makes the kernel dispatch the next queued request, but the registration of an entry
 *   does not. So after each late registration uring-fetch.c makes the kernel send a dummy request.
 *   The reply to it dispatches the queue.
 * - A channel sends the reply of a request before its thread serves the next one.
 * - Forgets, interrupts and notifications come by /dev/fuse, which another worker reads.
 * - After the end of the connection all submitted commands complete with an error. The thread
 *   stays until then, because umount(2) returns only after the kernel has freed all entries.
 *
 * The kernel does not report that it took a reply. If the kernel refuses one, which means a bug in
 * the daemon, the client gets an error. At the end of the connection the kernel drops all its
 * references anyway.
 *
 * Locking: none. The receiving thread owns the ring. Other threads push entries to the list handed,
 * and the receiving thread takes the whole list. n_armed and gone are atomic, and so is n_all of a
 * queue, which its channels share.
 */
#include "transport/uring-private.h"
#include "util/fd.h"
#include "util/log.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#define N_SQE 64
/* Room for completions of slots that are given after begin(). */
#define N_CQE_MORE 256

#define NO_QUEUE UINT16_MAX

/* -- requests and answers -------------------------------------------------------------------- */

/* Decodes the request of an entry. Returns 0 or CHAN_E_BAD. */
static int decode(struct chan_entry *entry, struct wire_msg *ret_msg)
{
	struct fuse_uring_req_header *headers = slot_headers(entry->slot);
	struct fuse_in_header *head = (struct fuse_in_header *)headers->in_out;
	size_t len = headers->ring_ent_in_out.payload_sz;

	entry->commit_id = headers->ring_ent_in_out.commit_id;
	if (len > entry->slot->data_size) {
		*ret_msg = (struct wire_msg){ .head = head, .op = op_find(head->opcode) };
		return CHAN_E_BAD;
	}
	if (entry->slot->in_map)
		memcpy(slot_data(entry->slot), entry->payload, len);
	return wire_decode_parts(head, headers->op_in, sizeof(headers->op_in),
				 slot_data(entry->slot), len, ret_msg) ?
		       CHAN_E_BAD :
		       0;
}

static int uring_reply(struct chan *chan, struct slot *slot, const struct chan_answer *answer)
{
	struct fuse_uring_req_header *headers = slot_headers(slot);
	struct fuse_out_header *head = (struct fuse_out_header *)headers->in_out;
	size_t arg_len = answer->error ? 0 : answer->arg_len;
	size_t data_len = answer->error ? 0 : answer->data_len;
	char *to = slot->entry->payload;

	if (uring_of(chan)->gone)
		return CHAN_E_GONE;
	if (arg_len + data_len > slot->data_size)
		return CHAN_E_REFUSED;
	/*
	 * If the reply has no result, its data is at payload already, unless the request was moved
	 * to another slot.
	 */
	if (data_len && answer->data != to + arg_len)
		memmove(to + arg_len, answer->data, data_len);
	if (arg_len)
		memcpy(to, answer->arg, arg_len);
	*head = (struct fuse_out_header){
		.len = (uint32_t)(sizeof(*head) + arg_len + data_len),
		.unique = answer->unique,
		.error = answer->error,
	};
	headers->ring_ent_in_out.payload_sz = (uint32_t)(arg_len + data_len);
	return 0;
}

/* Replies to a dummy request of uring-fetch.c. */
static void answer_dummy(struct chan *chan, struct chan_entry *entry, uint64_t unique)
{
	const struct chan_answer answer = { .unique = unique };

	uring_reply(chan, entry->slot, &answer);
	uring_give(chan, entry->slot);
}

/*
 * Handles a completion. Returns 0 or CHAN_E_BAD if a request has arrived, and sets *slot to its
 * slot; else CHAN_E_AGAIN.
 */
static int take(struct uring *uring, const struct io_uring_cqe *cqe, struct slot **slot,
		struct wire_msg *ret_msg)
{
	struct chan_entry *entry = (struct chan_entry *)(uintptr_t)cqe->user_data;
	int res = cqe->res;
	int r;

	ring_seen(&uring->ring);
	if (!entry) {
		if (res < 0)
			uring->broken = res;
		else
			uring_take_handed(uring);
		return CHAN_E_AGAIN;
	}
	uring_count(entry->queue, -1);
	if (res == -ENOTCONN || res == -ECONNABORTED || (res < 0 && uring->gone)) {
		uring->chan.ended |= res == -ENOTCONN || res == -ECONNABORTED;
		uring->gone = true;
		return CHAN_E_AGAIN;
	}
	if (res < 0 && !entry->commit_id) {
		log_warning("cannot register an additional entry of an io_uring queue, which "
			    "continues with its existing entries: %s",
			    strerror(-res));
		/*
		 * If this was the only entry of the channel, no completion will report the end of
		 * the connection, and the thread would wait forever.
		 */
		uring->gone |= uring->all == entry && !entry->next && uring->late;
		return CHAN_E_AGAIN;
	}
	if (res < 0) {
		uring->broken = res;
		return CHAN_E_AGAIN;
	}
	if (uring->gone)
		return CHAN_E_AGAIN;
	uring_fetched(entry);
	r = decode(entry, ret_msg);
	if (ret_msg->head->opcode == FUSE_NOTIFY_REPLY) {
		answer_dummy(&uring->chan, entry, ret_msg->head->unique);
		return CHAN_E_AGAIN;
	}
	*slot = entry->slot;
	return r;
}

static int uring_receive(struct chan *chan, struct slot **slot, struct wire_msg *ret_msg)
{
	struct uring *uring = uring_of(chan);
	struct ring *ring = &uring->ring;
	struct io_uring_cqe *cqe = ring_cqe(ring);
	int r;

	if (uring->broken) {
		/*
		 * Closing the ring cancels the commands that wait in the kernel. The end of this
		 * thread would not, and umount(2) would wait for them.
		 */
		uring->gone = true;
		ring_fini(ring);
		return uring->broken;
	}
	if (uring->gone && uring_all_seen(uring))
		return CHAN_E_GONE;
	if (!cqe || ring->n_filled) {
		r = ring_enter(ring, !cqe && !uring->grown);
		/* A signal has arrived, or the kernel has no memory for completions now. */
		if (r == -EINTR || r == -EAGAIN || r == -EBUSY)
			return CHAN_E_AGAIN;
		if (r < 0) {
			uring->broken = r;
			return CHAN_E_AGAIN;
		}
		if (uring->grown && !ring->n_filled)
			uring_fetch_new(uring);
		cqe = ring_cqe(ring);
	}
	return cqe ? take(uring, cqe, slot, ret_msg) : CHAN_E_AGAIN;
}

/* -- beginning and end ----------------------------------------------------------------------- */

/*
 * Subtracts the entries that the kernel refused to register from the counts. Returns -errno if a
 * queue then has no entry in any channel, submitted or not yet. If only this channel has no entry
 * left, sets gone, so that its thread ends.
 */
static int refused(struct uring *uring)
{
	struct io_uring_cqe *cqe;
	int r = 0;

	while ((cqe = ring_cqe(&uring->ring)) && cqe->res < 0 && cqe->user_data) {
		struct chan_entry *entry = (struct chan_entry *)(uintptr_t)cqe->user_data;

		r = cqe->res;
		uring_count(entry->queue, -1);
		ring_seen(&uring->ring);
	}
	if (r == 0)
		return 0;
	uring->gone = uring_all_seen(uring);
	for (unsigned int i = 0; i < uring->n_queues; i++)
		if (uring->queues[i].first->n_all == 0)
			return r;
	return 0;
}

static int uring_begin(struct chan *chan, struct slot **slots)
{
	struct uring *uring = uring_of(chan);
	int r = ring_enable(&uring->ring);

	if (r < 0)
		return r;
	uring->owner = pthread_self();
	uring->begun = uring->late;
	uring->beginning = true;
	uring_arm_event(uring);
	for (unsigned int i = 0; i < chan->n_slots; i++) {
		r = uring_give(chan, slots[i]);
		if (r < 0)
			return r;
	}
	uring->beginning = false;
	r = uring->broken ? uring->broken : ring_enter(&uring->ring, false);
	uring->begun = true;
	return r < 0 ? r : refused(uring);
}

static void uring_end(struct chan *chan)
{
	struct uring *uring = uring_of(chan);

	uring->gone = true;
	eventfd_write(uring->event_fd, 1);
}

static void uring_fini(struct chan *chan)
{
	struct uring *uring = uring_of(chan);

	ring_fini(&uring->ring);
	uring->event_fd = fd_close(uring->event_fd);
	uring_entries_free(uring);
	free(uring->queues);
	uring->queues = NULL;
}

/*
 * Makes the kernel stop waiting for queues, by a registration for a queue that does not exist: the
 * kernel then falls back on /dev/fuse. Uses a new ring, because that of the channel may not work.
 * Returns 0 or -errno.
 */
static int give_up(struct uring *uring)
{
	int r;

	ring_fini(&uring->ring);
	r = ring_init(&uring->ring, 1, 1, true);
	if (r == 0 && !uring_command(uring, FUSE_IO_URING_CMD_REGISTER, NO_QUEUE, 0))
		r = -EIO;
	return r < 0 ? r : ring_enter(&uring->ring, false);
}

static int uring_fall_back(struct chan *chan)
{
	int r = give_up(uring_of(chan));

	uring_fini(chan);
	chan->ops = &chan_dev_ops;
	chan->n_slots = 0;
	chan->cpu = -1;
	return r;
}

static int uring_more(struct chan *chan, struct chan **ret_chan);

static const struct chan_ops uring_ops = {
	.receive = uring_receive,
	.reply = uring_reply,
	.notify = chan_dev_notify,
	.backing_open = chan_dev_backing_open,
	.backing_close = chan_dev_backing_close,
	.give = uring_give,
	.wants = uring_wants,
	.surplus = uring_surplus,
	.more = uring_more,
	.fetch = uring_fetch,
	.begin = uring_begin,
	.end = uring_end,
	.fall_back = uring_fall_back,
	.fini = uring_fini,
};

/*
 * Creates a channel for fd, a descriptor of /dev/fuse. Takes ownership of fd, even on failure. If
 * fd is negative, returns it as the error. Returns 0 or -errno.
 */
static int new_chan(const struct chan_uring_plan *plan, int fd, struct uring **ret_uring)
{
	struct uring *uring = calloc(1, sizeof(*uring));
	int r;

	if (!uring) {
		fd_close(fd);
		return -ENOMEM;
	}
	uring->chan = (struct chan){
		.ops = &uring_ops,
		.fd = fd,
		.n_slots = plan->n_queues * plan->depth,
		.cpu = plan->cpu,
	};
	uring->n_queues = plan->n_queues;
	uring->queues = calloc(plan->n_queues, sizeof(*uring->queues));
	r = ring_init(&uring->ring, N_SQE, uring->chan.n_slots + N_CQE_MORE, false);
	uring->event_fd = eventfd(0, EFD_CLOEXEC);
	if (r == 0 && uring->event_fd < 0)
		r = -errno;
	if (r == 0 && !uring->queues)
		r = -ENOMEM;
	if (r == 0 && fd < 0)
		r = fd;
	if (r < 0) {
		chan_free(&uring->chan);
		return r;
	}
	for (unsigned int i = 0; i < plan->n_queues; i++) {
		struct queue *queue = &uring->queues[i];
		const struct queue *first = plan->first ? &uring_of(plan->first)->queues[i] : NULL;

		queue->qid = first ? first->qid : (uint16_t)plan->queues[i];
		queue->first = first ? first->first : queue;
	}
	*ret_uring = uring;
	return 0;
}

static int uring_more(struct chan *chan, struct chan **ret_chan)
{
	const struct chan_uring_plan plan = {
		.n_queues = uring_of(chan)->n_queues,
		.depth = 1,
		.cpu = chan->cpu,
		.first = chan,
	};
	int fd = fcntl(chan->fd, F_DUPFD_CLOEXEC, 0);
	struct uring *uring;
	int r = new_chan(&plan, fd < 0 ? -errno : fd, &uring);

	if (r < 0)
		return r;
	uring->late = true;
	uring->chan.host = chan->host;
	*ret_chan = &uring->chan;
	return 0;
}

int chan_uring_new(const struct chan_uring_plan *plan, struct chan **ret_chan)
{
	struct uring *uring;
	int r = new_chan(plan, chan_dev_open(), &uring);

	if (r < 0)
		return r;
	for (unsigned int i = 0; i < plan->n_queues; i++)
		atomic_fetch_add(&uring->queues[i].first->n_all, (int)plan->depth);
	*ret_chan = &uring->chan;
	return 0;
}
