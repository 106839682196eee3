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
 *   that was sent last. A channel that was lent more is a surplus, and leaves such work to others.
 * - A queue has an entry that waits, or all its requests are on their way to be done. Before a
 *   request waits, for a lock or in the pool, the queue gets another channel, or its own one more
 *   slot (wants). Without, the one that would end the wait could not come in.
 * - Requests that wait in the kernel's queue are fetched by answers, not by an entry that comes new
 *   (fs/fuse/dev_uring.c: fuse_uring_do_register() looks at none). So after each of those we make
 *   the kernel send a request of no use, whose answer fetches them: kick().
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
#include "transport/chan.h"
#include "transport/ring.h"
#include "util/cpu.h"
#include "util/fd.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#define N_SQE 64
/* Completions beyond those of the entries at the start: of entries that are lent later. */
#define N_CQE_MORE 256

#define NO_QUEUE UINT16_MAX
/* Even, as the kernel's are, and beyond where it will ever get to. */
#define FIRST_KICK (1ULL << 62)

struct queue {
	uint16_t qid;
	bool grown;	     /* the owner's: it has got an entry that fetches nothing */
	_Atomic int n_armed; /* entries that wait in the kernel, or are on their way there */
	_Atomic int n_ours;  /* likewise, of all channels of the queue: in the first one of these */
	_Atomic int *n_all;  /* n_ours of the first channel */
};

struct chan_entry {
	struct slot *slot; /* constant, as queue */
	struct queue *queue;
	struct chan_entry *next; /* all of the channel */
	struct chan_entry *next_handed;
	uint64_t commit_id; /* the kernel's number of the request; 0: not registered yet */
	char *payload; /* what the kernel copies to and from: the slot's data, or of ordinary memory */
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
	bool grown; /* one of the queues */
	_Atomic uint64_t last_nodeid; /* that a request was for */
	_Atomic uint64_t file_nodeid; /* of a regular file; 0: none yet */
	int broken;	      /* 0, or -errno: the ring does not work */
};

static struct uring *uring_of(struct chan *chan)
{
	return (struct uring *)chan;
}

/* -- commands -------------------------------------------------------------------------------- */

static struct io_uring_sqe *command(struct uring *uring, uint32_t op, uint16_t qid,
				    uint64_t commit_id)
{
	struct io_uring_sqe *sqe = ring_sqe(&uring->ring);
	struct fuse_uring_cmd_req *req;

	if (!sqe)
		return NULL;
	sqe->opcode = IORING_OP_URING_CMD;
	sqe->fd = uring->chan.fd;
	sqe->cmd_op = op;
	req = (struct fuse_uring_cmd_req *)sqe->cmd;
	req->qid = qid;
	req->commit_id = commit_id;
	return sqe;
}

/* By the owner: the entry waits for a request; one that it has had is answered. */
static void arm(struct uring *uring, struct chan_entry *entry)
{
	bool known = entry->commit_id;
	struct io_uring_sqe *sqe;

	sqe = command(uring,
		      known ? FUSE_IO_URING_CMD_COMMIT_AND_FETCH : FUSE_IO_URING_CMD_REGISTER,
		      entry->queue->qid, entry->commit_id);
	if (!sqe) {
		uring->broken = -EIO;
		return;
	}
	if (!known) {
		sqe->addr = (uint64_t)(uintptr_t)entry->iov;
		sqe->len = 2;
		entry->queue->grown = uring->grown = uring->begun;
	}
	sqe->user_data = (uint64_t)(uintptr_t)entry;
}

static void arm_event(struct uring *uring)
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

/*
 * The kernel finds the request of an answer by its number, in a table of the queue. So no two requests have the same
 * number, whichever channel they are made for: else the kernel mistakes one entry for another, and a request
 * that it puts there afterwards is never seen.
 */
static int retrieve(struct uring *uring, uint64_t nodeid)
{
	static _Atomic uint64_t n_kicks;
	struct fuse_notify_retrieve_out out = {
		.notify_unique = FIRST_KICK + 2 * n_kicks++,
		.nodeid = nodeid,
	};

	return chan_dev_ops.notify(&uring->chan, FUSE_NOTIFY_RETRIEVE, &out, sizeof(out), NULL, 0);
}

/*
 * Makes the kernel send a request to a queue: to that of the CPU that we ask on. It is the one that
 * gives back parts of a file to a server that has asked for them, here no bytes of it. It takes a
 * regular file that the kernel knows: mostly what the last request was for, since that is the one
 * that is about to wait, for a lock of that file; else one that was opened. Without any, the
 * requests that wait are fetched when the next one on that CPU is answered.
 */
static void kick(struct uring *uring, const struct queue *queue)
{
	cpu_set_t *was = NULL;

	if (uring->chan.cpu != queue->qid && cpu_enter(queue->qid, &was) < 0)
		return;
	if (retrieve(uring, uring->last_nodeid) < 0 && uring->file_nodeid)
		retrieve(uring, uring->file_nodeid);
	cpu_leave(was);
}

static void kick_grown(struct uring *uring)
{
	uring->grown = false;
	for (unsigned int i = 0; i < uring->n_queues; i++) {
		if (!uring->queues[i].grown)
			continue;
		uring->queues[i].grown = false;
		kick(uring, &uring->queues[i]);
	}
}

/* By any thread but the owner. */
static void hand_over(struct uring *uring, struct chan_entry *entry)
{
	struct chan_entry *first = uring->handed;
	uint64_t one = 1;

	do {
		entry->next_handed = first;
	} while (!atomic_compare_exchange_weak(&uring->handed, &first, entry));
	/* Who finds others there knows that the owner is being woken. */
	if (!first && write(uring->event_fd, &one, sizeof(one)) < 0)
		log_error("a queue of io_uring cannot be woken: %s", strerror(errno));
}

static void take_handed(struct uring *uring)
{
	struct chan_entry *entry, *next;

	/* In this order: what comes after the list was taken finds it empty, and wakes again. */
	arm_event(uring);
	for (entry = atomic_exchange(&uring->handed, NULL); entry; entry = next) {
		next = entry->next_handed;
		arm(uring, entry);
	}
}

/* -- slots ----------------------------------------------------------------------------------- */

/* The queue that has the least: with all channels, or, while this one begins, of its own entries. */
static struct queue *poorest(struct uring *uring)
{
	struct queue *queue = &uring->queues[0];

	for (unsigned int i = 1; i < uring->n_queues; i++) {
		struct queue *other = &uring->queues[i];

		if (uring->beginning ? other->n_armed < queue->n_armed :
				       *other->n_all < *queue->n_all)
			queue = other;
	}
	return queue;
}

static void count(struct queue *queue, int n)
{
	atomic_fetch_add(&queue->n_armed, n);
	atomic_fetch_add(queue->n_all, n);
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

static int uring_lend(struct chan *chan, struct slot *slot)
{
	struct uring *uring = uring_of(chan);
	struct chan_entry *entry = slot->entry ? slot->entry : entry_new(uring, slot);

	if (!entry)
		return -ENOMEM;
	/* Those of the start were counted before any was sent: see refused(). */
	if (uring->begun)
		count(entry->queue, 1);
	else
		atomic_fetch_add(&entry->queue->n_armed, 1);
	if (pthread_equal(pthread_self(), uring->owner))
		arm(uring, entry);
	else
		hand_over(uring, entry);
	return 0;
}

static bool uring_wants(struct chan *chan)
{
	struct uring *uring = uring_of(chan);

	for (unsigned int i = 0; i < uring->n_queues; i++)
		if (*uring->queues[i].n_all <= 0)
			return true;
	return false;
}

/* More than one entry for each queue: requests may come for the thread while it is at work. */
static bool uring_surplus(struct chan *chan)
{
	struct uring *uring = uring_of(chan);
	int n = 0;

	for (unsigned int i = 0; i < uring->n_queues; i++)
		n += uring->queues[i].n_armed;
	return n >= (int)uring->n_queues;
}

static void entries_free(struct uring *uring)
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

/* -- requests and answers -------------------------------------------------------------------- */

static bool all_seen(struct uring *uring)
{
	for (unsigned int i = 0; i < uring->n_queues; i++)
		if (uring->queues[i].n_armed)
			return false;
	return true;
}

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
	/* Data lies in its place already, where there is no result before it and it did not move. */
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

/* A request of no use, see kick(): what counts is that it is answered. */
static void pass_over(struct chan *chan, struct chan_entry *entry, uint64_t unique)
{
	const struct chan_answer answer = { .unique = unique };

	uring_reply(chan, entry->slot, &answer);
	uring_lend(chan, entry->slot);
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
			take_handed(uring);
		return CHAN_E_AGAIN;
	}
	count(entry->queue, -1);
	if (res == -ENOTCONN || res == -ECONNABORTED || (res < 0 && uring->gone)) {
		uring->gone = true;
		return CHAN_E_AGAIN;
	}
	if (res < 0 && !entry->commit_id) {
		/* One that was lent later: the queue goes on with those that it has. */
		log_warning("the kernel refused a further entry of an io_uring queue: %s",
			    strerror(-res));
		/* A channel that was to be one more, and has nothing that comes back at the end. */
		uring->gone |= uring->late;
		return CHAN_E_AGAIN;
	}
	if (res < 0) {
		uring->broken = res;
		return CHAN_E_AGAIN;
	}
	if (uring->gone)
		return CHAN_E_AGAIN;
	r = decode(entry, ret_msg, ret_wire);
	if (ret_msg->head->opcode == FUSE_NOTIFY_REPLY) {
		pass_over(&uring->chan, entry, ret_msg->head->unique);
		return CHAN_E_AGAIN;
	}
	uring->last_nodeid = ret_msg->head->nodeid;
	if (ret_msg->head->opcode == FUSE_OPEN)
		uring->file_nodeid = ret_msg->head->nodeid;
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
	if (uring->gone && all_seen(uring))
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
		if (uring->grown)
			kick_grown(uring);
		cqe = ring_cqe(ring);
	}
	return cqe ? take(uring, cqe, slot, ret_msg, ret_wire) : CHAN_E_AGAIN;
}

/* -- beginning and end ----------------------------------------------------------------------- */

/*
 * What the kernel refused at once. An error when a queue is left without entries; where another channel
 * has some, or has yet to send them, this one has nothing to do.
 */
static int refused(struct uring *uring)
{
	struct io_uring_cqe *cqe;
	int r = 0;

	while ((cqe = ring_cqe(&uring->ring)) && cqe->res < 0 && cqe->user_data) {
		struct chan_entry *entry = (struct chan_entry *)(uintptr_t)cqe->user_data;

		r = cqe->res;
		count(entry->queue, -1);
		ring_seen(&uring->ring);
	}
	if (r == 0)
		return 0;
	uring->gone = all_seen(uring);
	for (unsigned int i = 0; i < uring->n_queues; i++)
		if (*uring->queues[i].n_all == 0)
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
	arm_event(uring);
	for (unsigned int i = 0; i < chan->n_slots; i++) {
		r = uring_lend(chan, slots[i]);
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
	entries_free(uring);
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
	if (r == 0 && !command(uring, FUSE_IO_URING_CMD_REGISTER, NO_QUEUE, 0))
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
	.lend = uring_lend,
	.wants = uring_wants,
	.surplus = uring_surplus,
	.more = uring_more,
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
		uring->queues[i].n_all = first->queues[i].n_all;
	}
	uring->last_nodeid = first->last_nodeid;
	uring->file_nodeid = first->file_nodeid;
}

static int uring_more(struct chan *chan, struct chan **ret_chan)
{
	const struct uring *first = uring_of(chan);
	struct uring *uring = uring_alloc(first->n_queues, 1, chan->cpu);
	int r;

	if (!uring)
		return -ENOMEM;
	uring->late = true;
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
		uring->queues[i].n_all = &uring->queues[i].n_ours;
	}
	if (plan->first)
		share_queues(uring, uring_of(plan->first));
	for (unsigned int i = 0; i < plan->n_queues; i++)
		atomic_fetch_add(uring->queues[i].n_all, (int)plan->depth);
	*ret_chan = &uring->chan;
	return 0;
}
