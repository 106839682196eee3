// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The io_uring transport. The kernel has a queue for each CPU, and a request goes to the queue of
 * the CPU that asks. An entry of a queue is a slot that is registered with the kernel once: a
 * command that waits in our ring. When a request is there it completes; the next command for it
 * answers the request and waits for another. So serving one takes one system call, which answers,
 * waits and fetches.
 *
 * What always holds:
 * - The kernel fills a slot in the thread that has sent its command. So commands are sent by the
 *   one thread that receives here; a request that another has served is handed over to it.
 * - So a request that comes for an entry of a thread waits for that thread, whatever it is doing. A
 *   thread that may be held up by what it does has no other entry waiting: a queue has several
 *   channels, each with a thread and one entry (more), and the kernel gives a request to the entry
 *   that was sent last. A channel that was given more is a surplus, and leaves such work to others.
 * - A queue has an entry that waits, or all its requests are on their way to be done. Before a
 *   request waits, for a lock or in the pool, the queue gets another channel, or its own one more
 *   slot (wants). Without, the one that would end the wait could not come in.
 * - Requests that wait in the kernel's queue are fetched by answers, not by an entry that comes new
 *   (fs/fuse/dev_uring.c: fuse_uring_do_register() looks at none). So after each of those we make
 *   the kernel send a request of no use, whose answer fetches them: uring-fetch.c.
 * - An answer is not kept back while another request is served: it is sent before.
 * - Forgets, interrupts and notifications go by /dev/fuse, which somebody else reads.
 * - Once the connection has ended nothing comes back but our entries, each with an error. The
 *   thread stays until it has seen all that wait: whoever unmounts waits for them.
 *
 * The kernel does not say whether it took an answer. Where it does not, its caller gets an error,
 * which is a mistake of ours, or the connection ends, and then all that it held for is let go
 * anyway.
 *
 * Locking: none. The ring and the list of entries are the receiving thread's; what others hand over
 * goes through handed, of which they push and the thread takes all; n_armed and gone are atomic.
 */
#include "transport/uring-private.h"
#include "util/fd.h"
#include "util/log.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#define N_SQE 64
/* Completions beyond those of the entries at the start: of entries that are given later. */
#define N_CQE_MORE 256

#define NO_QUEUE UINT16_MAX

/* -- requests and answers -------------------------------------------------------------------- */

/* The request of an entry, as decode has it. */
static int decode(struct chan_entry *entry, struct wire_msg *ret_msg, int *ret_wire)
{
	struct fuse_uring_req_header *headers = slot_headers(entry->slot);
	struct fuse_in_header *head = (struct fuse_in_header *)headers->in_out;
	size_t len = headers->ring_ent_in_out.payload_sz;

	entry->commit_id = headers->ring_ent_in_out.commit_id;
	ret_msg->head = head;
	if (len > entry->slot->data_size) {
		*ret_wire = WIRE_E_BAD;
		return CHAN_E_BAD;
	}
	if (entry->slot->in_map)
		memcpy(slot_data(entry->slot), entry->payload, len);
	*ret_wire = wire_decode_parts(head, headers->op_in, sizeof(headers->op_in),
				      slot_data(entry->slot), len, ret_msg);
	return *ret_wire ? CHAN_E_BAD : 0;
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
	 * Data lies in its place already, where there is no result before it and it did not move.
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

/* A request of no use, see uring-fetch.c: what counts is that it is answered. */
static void pass_over(struct chan *chan, struct chan_entry *entry, uint64_t unique)
{
	const struct chan_answer answer = { .unique = unique };

	uring_reply(chan, entry->slot, &answer);
	uring_give(chan, entry->slot);
}

/* One completion: a request, or CHAN_E_AGAIN. */
static int take(struct uring *uring, const struct io_uring_cqe *cqe, struct slot **slot,
		struct wire_msg *ret_msg, int *ret_wire)
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
		uring->gone = true;
		return CHAN_E_AGAIN;
	}
	if (res < 0 && !entry->commit_id) {
		/* One that was given later: the queue goes on with those that it has. */
		log_warning("the kernel refused a further entry of an io_uring queue: %s",
			    strerror(-res));
		/* A channel that was to be one more, and has nothing that comes back at the end. */
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
	r = decode(entry, ret_msg, ret_wire);
	if (ret_msg->head->opcode == FUSE_NOTIFY_REPLY) {
		pass_over(&uring->chan, entry, ret_msg->head->unique);
		return CHAN_E_AGAIN;
	}
	*slot = entry->slot;
	return r;
}

static int uring_receive(struct chan *chan, struct slot **slot, struct wire_msg *ret_msg,
			 int *ret_wire)
{
	struct uring *uring = uring_of(chan);
	struct ring *ring = &uring->ring;
	struct io_uring_cqe *cqe = ring_cqe(ring);
	int r;

	if (uring->broken) {
		/* The kernel takes back what waits in it, as the end of the thread would not. */
		uring->gone = true;
		ring_fini(ring);
		return uring->broken;
	}
	if (uring->gone && uring_all_seen(uring))
		return CHAN_E_GONE;
	if (!cqe || ring->n_filled) {
		r = ring_enter(ring, !cqe && !uring->grown);
		/* A signal, or the kernel has no memory for it now. */
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
	return cqe ? take(uring, cqe, slot, ret_msg, ret_wire) : CHAN_E_AGAIN;
}

/* -- beginning and end ----------------------------------------------------------------------- */

/*
 * Counts the entries that the kernel refused at once. Returns an error if a queue is left without
 * entries. If another channel has some, or has yet to send them, this channel has nothing to do.
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
 * After a registration that fails the kernel does not wait for queues any more. Ours may be a ring
 * that does not work: this takes one of its own.
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

static int uring_backing_open(struct chan *chan, int fd)
{
	return chan_dev_ops.backing_open(chan, fd);
}

static void uring_backing_close(struct chan *chan, int id)
{
	chan_dev_ops.backing_close(chan, id);
}

static int uring_notify(struct chan *chan, int code, const void *arg, size_t arg_len,
			const void *data, size_t data_len)
{
	return chan_dev_ops.notify(chan, code, arg, arg_len, data, data_len);
}

static int uring_more(struct chan *chan, struct chan **ret_chan);

static const struct chan_ops uring_ops = {
	.name = "uring",
	.receive = uring_receive,
	.reply = uring_reply,
	.notify = uring_notify,
	.backing_open = uring_backing_open,
	.backing_close = uring_backing_close,
	.give = uring_give,
	.wants = uring_wants,
	.surplus = uring_surplus,
	.more = uring_more,
	.fetch = uring_fetch,
	.begin = uring_begin,
	.fall_back = uring_fall_back,
	.fini = uring_fini,
};

int chan_uring_join(struct chan *chan, const struct chan *dev)
{
	return chan_dev_join(chan->fd, dev);
}

static int uring_init(struct uring *uring)
{
	int r = ring_init(&uring->ring, N_SQE, uring->chan.n_slots + N_CQE_MORE, false);

	uring->queues = calloc(uring->n_queues, sizeof(*uring->queues));
	if (r == 0 && !uring->queues)
		r = -ENOMEM;
	if (r < 0)
		return r;
	uring->event_fd = eventfd(0, EFD_CLOEXEC);
	return uring->event_fd < 0 ? -errno : 0;
}

static struct uring *uring_alloc(unsigned int n_queues, unsigned int depth, int cpu)
{
	struct uring *uring = calloc(1, sizeof(*uring));

	if (!uring)
		return NULL;
	uring->chan = (struct chan){
		.ops = &uring_ops,
		.fd = -1,
		.n_slots = n_queues * depth,
		.cpu = cpu,
	};
	uring->event_fd = -1;
	uring->n_queues = n_queues;
	return uring;
}

/* The queues of a channel that is one more are those of the first. */
static void share_queues(struct uring *uring, const struct uring *first)
{
	for (unsigned int i = 0; i < uring->n_queues; i++) {
		uring->queues[i].qid = first->queues[i].qid;
		uring->queues[i].first = first->queues[i].first;
	}
}

static int uring_more(struct chan *chan, struct chan **ret_chan)
{
	const struct uring *first = uring_of(chan);
	struct uring *uring = uring_alloc(first->n_queues, 1, chan->cpu);
	int r;

	if (!uring)
		return -ENOMEM;
	uring->late = true;
	uring->chan.host = chan->host;
	r = uring_init(uring);
	if (r == 0) {
		uring->chan.fd = fcntl(chan->fd, F_DUPFD_CLOEXEC, 0);
		r = uring->chan.fd < 0 ? -errno : 0;
	}
	if (r < 0) {
		chan_free(&uring->chan);
		return r;
	}
	share_queues(uring, first);
	*ret_chan = &uring->chan;
	return 0;
}

int chan_uring_new(const struct chan_uring_plan *plan, struct chan **ret_chan)
{
	struct uring *uring = uring_alloc(plan->n_queues, plan->depth, plan->cpu);
	int r;

	if (!uring)
		return -ENOMEM;
	r = uring_init(uring);
	if (r == 0)
		r = chan_dev_fd(&uring->chan.fd);
	if (r < 0) {
		chan_free(&uring->chan);
		return r;
	}
	for (unsigned int i = 0; i < plan->n_queues; i++) {
		uring->queues[i].qid = (uint16_t)plan->queues[i];
		uring->queues[i].first = &uring->queues[i];
	}
	if (plan->first)
		share_queues(uring, uring_of(plan->first));
	for (unsigned int i = 0; i < plan->n_queues; i++)
		atomic_fetch_add(&uring->queues[i].first->n_all, (int)plan->depth);
	*ret_chan = &uring->chan;
	return 0;
}
