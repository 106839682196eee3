// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Workers receive requests and serve them. A channel of /dev/fuse or a socket receives a request
 * into the slot that the worker passes to it. A channel of io_uring gets slots at the start, and
 * returns one of them with each request.
 *
 * Locking: workers.h names the lock of each member.
 */
#include "server/workers.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/cpu.h"
#include "util/log.h"
#include "util/thread.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Replies to a request that cannot be decoded, if there is a header to reply to. */
static void serve_bad(struct req *req)
{
	const struct fuse_in_header *head = req->msg.head;
	const struct op *op = req->msg.op;
	struct chan_answer answer = { .error = op ? -EIO : -ENOSYS };

	if (!head) {
		log_error("the kernel sent a request that is shorter than its header and cannot "
			  "be answered; its caller waits until it is interrupted. Please report "
			  "this");
		return;
	}
	log_debug("the caller gets an error, because the request %u (%s) cannot be decoded",
		  head->opcode, op ? op->name : "unknown");
	if (op && (op->flags & OP_NO_REPLY))
		return;
	answer.unique = head->unique;
	req->chan->ops->reply(req->chan, &req->slot, &answer);
}

/* A worker that has served one request for so long is treated as blocked. */
#define HELD_UP_MS 10
/* The maximum of extra workers for each channel that owns slots. */
#define EXTRA_EACH 8

/*
 * Serves a request, or hands it to the thread pool. Returns the request that the worker owns
 * afterwards, as req_serve() does.
 */
static struct req *worker_serve(struct worker *worker, struct req *req, bool bad)
{
	struct workers *workers = worker->workers;

	if (!bad)
		req_save(req);
	req->chan = worker->chan;
	req->queue = worker->number;
	req->in_pool = false;
	atomic_store_explicit(&worker->since_ms, clock_ms() | 1, memory_order_relaxed);
	if (workers_are_busy(workers, worker->chan))
		ticker_wake(workers->watchdog);
	if (bad) {
		serve_bad(req);
		return req_release(req);
	}
	atomic_fetch_add_explicit(&workers->counts[worker->number][req->msg.head->opcode].n, 1,
				  memory_order_relaxed);
	if (log_level() >= PST_LOG_DEBUG) {
		char text[600];

		wire_print(&req->msg, text, sizeof(text));
		log_debug("%s", text);
	}
	return req_serve(req);
}

bool workers_are_busy(struct workers *workers, struct chan *chan)
{
	if (chan->ops->give)
		return chan->ops->wants(chan);
	return chan->ops->shared && leader_is_missing(&workers->leader);
}

static int receive(struct worker *worker, struct slot **slot, struct wire_msg *ret_msg)
{
	struct leader *leader = &worker->workers->leader;
	struct chan *chan = worker->chan;
	int r;

	atomic_store_explicit(&worker->since_ms, 0, memory_order_relaxed);
	if (chan->ops->shared)
		leader_begin_wait(leader, &worker->spare, chan->fd);
	r = chan->ops->receive(chan, slot, ret_msg);
	if (chan->ops->shared)
		leader_end_wait(leader, &worker->spare, chan->fd, r == 0 ? ret_msg->head->len : 0);
	return r;
}

/*
 * Receives and serves requests until the connection ends. Returns 0 at the end, or -errno. *held is
 * the request whose slot is filled next, for a channel that owns no slots; the caller owns it. It
 * is NULL in the end if the view ends while the program, or a fetch, has all requests.
 */
static int worker_loop(struct worker *worker, struct req **held)
{
	struct workers *workers = worker->workers;
	struct chan *chan = worker->chan;
	bool owns = chan->ops->give;
	struct wire_msg msg = { 0 };

	while (!workers->stop && (owns || *held)) {
		struct slot *slot = NULL;
		struct req *req;
		int r;

		if (!owns) {
			if (!request_pool_is_current(workers->requests, *held)) {
				req = *held;
				*held = request_pool_take(workers->requests, true);
				request_pool_put(workers->requests, req);
			}
			slot = &(*held)->slot;
		}
		r = receive(worker, &slot, &msg);
		if (r == CHAN_E_AGAIN)
			continue;
		if (r == CHAN_E_GONE)
			return 0;
		if (r < 0)
			return r;
		req = (struct req *)((char *)slot - offsetof(struct req, slot));
		req->msg = msg;
		req = worker_serve(worker, req, r == CHAN_E_BAD);
		if (owns)
			request_pool_put(workers->requests, req);
		else
			*held = req;
	}
	return 0;
}

/* Pins the worker to the CPU whose requests it serves, so that the kernel wakes no other CPU. */
static void worker_pin(const struct worker *worker)
{
	int cpu = worker->chan->cpu;
	int r = cpu < 0 ? 0 : cpu_pin((unsigned int)cpu);

	if (r < 0)
		log_info("cannot pin the worker of CPU %d to this CPU, so its requests may be "
			 "slower: %s",
			 cpu, strerror(-r));
}

static int give_first(struct worker *worker)
{
	struct request_pool *requests = worker->workers->requests;
	struct chan *chan = worker->chan;
	_cleanup_(freep) struct slot **slots = calloc(chan->n_slots, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (unsigned int i = 0; i < chan->n_slots; i++) {
		/* The pool has enough requests for all channels of the start. */
		struct req *req = worker->extra ? request_pool_take_extra(requests, false) :
						  request_pool_take(requests, true);

		if (!req)
			return -ENOBUFS;
		slots[i] = &req->slot;
	}
	return chan->ops->begin(chan, slots);
}

/*
 * Makes a channel that owns slots ready. r is 0, or the -errno of an earlier failure of this
 * worker. All channels of the start become ready, or all fall back on /dev/fuse, because the kernel
 * uses no queue before all are served. Slots that were given to a channel that falls back are not
 * used again.
 */
static int worker_begin(struct worker *worker, int r)
{
	struct workers *workers = worker->workers;

	if (!worker->chan->ops->give)
		return r;
	if (r == 0)
		r = give_first(worker);
	if (worker->extra)
		return r;
	pthread_mutex_lock(&workers->lock);
	if (r < 0 && !workers->begin_error)
		workers->begin_error = r;
	workers->n_beginning--;
	pthread_cond_broadcast(&workers->idle);
	while (workers->n_beginning && !workers->stop)
		pthread_cond_wait(&workers->idle, &workers->lock);
	r = workers->begin_error;
	pthread_mutex_unlock(&workers->lock);
	return r < 0 ? worker->chan->ops->fall_back(worker->chan) : 0;
}

static void note_begun(struct worker *worker, int r)
{
	struct workers *workers = worker->workers;

	pthread_mutex_lock(&workers->lock);
	worker->begun = true;
	worker->begin_error = r;
	pthread_cond_broadcast(&workers->idle);
	pthread_mutex_unlock(&workers->lock);
}

/*
 * Records the end of a worker. r is 0, or the -errno with which the view fails. If broken is true,
 * the view ends although other workers run.
 */
static void note_end(struct worker *worker, bool broken, int r)
{
	struct workers *workers = worker->workers;

	pthread_mutex_lock(&workers->lock);
	workers->n_alive--;
	if (r < 0 && !workers->result)
		workers->result = r;
	workers->broken |= broken;
	pthread_cond_broadcast(&workers->idle);
	pthread_mutex_unlock(&workers->lock);
}

/* Ends all workers, because the connection has ended. */
static void end_others(struct workers *workers)
{
	pthread_mutex_lock(&workers->grow_lock);
	for (unsigned int i = 0; i < workers->n + workers->n_extra; i++)
		if (workers->each[i].chan->ops->end)
			workers->each[i].chan->ops->end(workers->each[i].chan);
	pthread_mutex_unlock(&workers->grow_lock);
}

static void *worker_main(void *arg)
{
	struct worker *worker = arg;
	struct workers *workers = worker->workers;
	bool owns = worker->chan->ops->give;
	struct req *req = NULL;
	bool served = false, fails;
	int r;

	r = fs_thread_init();
	if (r < 0)
		log_error("a worker cannot set the user and capabilities with which it accesses "
			  "LOWER, and ends: %s",
			  strerror(-r));
	r = worker_begin(worker, r);
	if (r == 0 && !worker->chan->ops->give) {
		req = request_pool_take(workers->requests, !worker->extra);
		r = req ? 0 : -ENOBUFS;
	}
	worker_pin(worker);
	note_begun(worker, r);
	if (r == 0) {
		served = true;
		r = worker_loop(worker, &req);
	}
	/*
	 * The view can go on without an extra worker. But if its channel of io_uring has served
	 * requests, those in its slots would be lost, and their clients would wait forever.
	 */
	fails = r < 0 && (!worker->extra || (owns && served));
	if (fails)
		log_error("a worker has ended: %s", strerror(-r));
	else if (r < 0)
		log_info("an extra worker has ended, which the view does not need: %s",
			 strerror(-r));
	if (worker->chan->ended)
		end_others(workers);
	/* Wake the followers: the connection is gone. */
	if (worker->chan->ops->shared)
		leader_release_all(&workers->leader);
	request_pool_put(workers->requests, req);
	note_end(worker, fails && owns, fails ? r : 0);
	return NULL;
}

int workers_init(struct workers *workers, struct request_pool *requests, struct ticker *watchdog,
		 struct chan *const *chans, unsigned int n)
{
	*workers = (struct workers){ .requests = requests, .watchdog = watchdog };
	leader_init(&workers->leader);
	pthread_mutex_init(&workers->lock, NULL);
	pthread_mutex_init(&workers->grow_lock, NULL);
	pthread_cond_init(&workers->idle, NULL);
	thread_wake_install();
	workers->n_extra_max = WORKERS_EXTRA + (chans[n - 1]->n_slots ? n : 0);
	workers->each = calloc(n + workers->n_extra_max, sizeof(*workers->each));
	workers->counts = calloc(n, sizeof(*workers->counts));
	if (!workers->each || !workers->counts) {
		for (unsigned int i = 0; i < n; i++)
			chan_free(chans[i]);
		return -ENOMEM;
	}
	workers->n = n;
	for (unsigned int i = 0; i < n; i++) {
		workers->each[i] = (struct worker){
			.workers = workers, .chan = chans[i], .number = i, .spare = LEADER_SPARE
		};
		workers->n_beginning += chans[i]->n_slots > 0;
	}
	return 0;
}

unsigned int workers_n_slots(const struct workers *workers)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < workers->n; i++)
		n += workers->each[i].chan->n_slots;
	return n;
}

static int start(struct worker *worker)
{
	struct workers *workers = worker->workers;
	int r;

	pthread_mutex_lock(&workers->lock);
	r = thread_create(&worker->thread, NULL, worker_main, worker);
	worker->started = r == 0;
	workers->n_alive += r == 0;
	pthread_mutex_unlock(&workers->lock);
	return r;
}

int workers_start(struct workers *workers)
{
	for (unsigned int i = 0; i < workers->n; i++) {
		int r = start(&workers->each[i]);

		if (r < 0)
			return r;
	}
	pthread_mutex_lock(&workers->lock);
	while (workers->n_beginning)
		pthread_cond_wait(&workers->idle, &workers->lock);
	pthread_mutex_unlock(&workers->lock);
	return 0;
}

/* -- extra workers --------------------------------------------------------------------------- */

static unsigned int n_extra_of(const struct workers *workers, unsigned int number)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < workers->n_extra; i++)
		n += workers->each[workers->n + i].number == number;
	return n;
}

/* Caller holds grow_lock. */
static int start_extra(struct workers *workers, unsigned int number)
{
	struct chan *chan = workers->each[number].chan;
	struct worker *worker = &workers->each[workers->n + workers->n_extra];
	int r;

	*worker = (struct worker){
		.workers = workers, .chan = chan, .number = number, .extra = true
	};
	if (chan->ops->more) {
		r = chan->ops->more(chan, &worker->chan);
		if (r < 0)
			return r;
	}
	r = start(worker);
	if (r < 0) {
		if (chan->ops->more)
			chan_free(worker->chan);
		return r;
	}
	workers->n_extra++;
	pthread_mutex_lock(&workers->lock);
	while (!worker->begun)
		pthread_cond_wait(&workers->idle, &workers->lock);
	r = worker->begin_error;
	pthread_mutex_unlock(&workers->lock);
	/* -ENOBUFS: all slots are in use. */
	return r == -ENOBUFS ? -EAGAIN : r;
}

bool workers_add(struct workers *workers, unsigned int number)
{
	bool owned = workers->each[number].chan->ops->give;
	unsigned int most = request_pool_filtered(workers->requests) && !owned ?
				    WORKERS_EXTRA_FILTERED :
				    workers->n_extra_max;
	int r = -EAGAIN;

	pthread_mutex_lock(&workers->grow_lock);
	if (!workers->stop && workers->n_extra < most &&
	    (!owned || n_extra_of(workers, number) < EXTRA_EACH))
		r = start_extra(workers, number);
	pthread_mutex_unlock(&workers->grow_lock);
	if (r < 0 && r != -EAGAIN)
		log_warning("cannot start an extra worker although all others are blocked, so "
			    "requests wait for them: %s",
			    strerror(-r));
	return r == 0;
}

bool workers_check(struct workers *workers)
{
	unsigned int n = workers->n + workers->n_extra;
	uint32_t now = clock_ms();
	bool needed = false, grown = false;

	for (unsigned int i = 0; i < n; i++) {
		struct worker *worker = &workers->each[i];
		uint32_t since = worker->since_ms;

		if (!since)
			continue;
		needed |= workers_are_busy(workers, worker->chan);
		if ((int32_t)(now + 1 - since) < HELD_UP_MS)
			continue;
		needed = true;
		latency_record(&workers->requests->host->latency, now + 1 - since);
		if (!grown && workers_are_busy(workers, worker->chan))
			grown = workers_add(workers, worker->number);
	}
	return needed;
}

int workers_wait(struct workers *workers)
{
	int r;

	pthread_mutex_lock(&workers->lock);
	while (workers->n_alive && !workers->broken)
		pthread_cond_wait(&workers->idle, &workers->lock);
	r = workers->result;
	pthread_mutex_unlock(&workers->lock);
	return r;
}

/* Signals each worker until it ends, because it waits in a system call. */
void workers_stop(struct workers *workers)
{
	pthread_mutex_lock(&workers->lock);
	workers->stop = true;
	pthread_cond_broadcast(&workers->idle);
	pthread_mutex_unlock(&workers->lock);
	leader_release_all(&workers->leader);
	/* No worker is started from now on. */
	pthread_mutex_lock(&workers->grow_lock);
	pthread_mutex_unlock(&workers->grow_lock);
	for (;;) {
		struct timespec pause = { .tv_nsec = 5000000 };
		unsigned int n_alive;

		pthread_mutex_lock(&workers->lock);
		n_alive = workers->n_alive;
		pthread_mutex_unlock(&workers->lock);
		if (n_alive == 0)
			break;
		for (unsigned int i = 0; i < workers->n + workers->n_extra; i++)
			if (workers->each[i].started)
				thread_wake(workers->each[i].thread);
		nanosleep(&pause, NULL);
	}
	for (unsigned int i = 0; i < workers->n + workers->n_extra; i++)
		if (workers->each[i].started)
			pthread_join(workers->each[i].thread, NULL);
}

void workers_fini(struct workers *workers)
{
	for (unsigned int i = workers->n + workers->n_extra; i-- > 0;)
		if (!workers->each[i].extra || workers->each[i].chan->ops->give)
			chan_free(workers->each[i].chan);
	leader_fini(&workers->leader);
	pthread_cond_destroy(&workers->idle);
	pthread_mutex_destroy(&workers->grow_lock);
	pthread_mutex_destroy(&workers->lock);
	free(workers->counts);
	free(workers->each);
}
