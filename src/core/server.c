/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Threads and memory of a server.
 *
 * One worker for each channel takes requests and serves them where they arrived. What may block long
 * goes to the pool; the worker goes on with a spare request. There is a fixed number of requests
 * (core/reqset.h): when all are in use the worker does the work itself and its queue waits.
 *
 * Transports that keep slots have requests of their own, which are lent to them at the start and come
 * back to us only between arrival and answer. When so many of them wait that a channel has none left,
 * it is lent one more, for good.
 *
 * Locks: lock guards the queue, the free list and the states of threads. Requests in a worker's
 * hands need none.
 */
#include "core/server.h"
#include "core/chain.h"
#include "core/filters.h"
#include "core/host.h"
#include "core/reqset.h"
#include "core/server-private.h"
#include "core/trace.h"
#include "util/cleanup.h"
#include "util/cpu.h"
#include "util/log.h"
#include "util/wake.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Requests beyond those that threads have in their hands: the pool's queue. */
#define N_QUEUED 16
/* Requests to lend beyond the first ones, that is, locks that may wait at a time; and with filters,
 * whose memory is all there from the start. */
#define N_MORE 256
#define N_MORE_FILTERED 32

struct worker {
	struct server *server;
	struct chan *chan; /* owned */
	unsigned int number;
	pthread_t thread;
	bool started;
};

struct count {
	_Atomic uint64_t n, errors;
};

struct server {
	struct fs *fs;
	struct host *host;
	_Atomic bool stop;

	struct worker *workers;
	unsigned int n_workers;
	pthread_t *pool;
	unsigned int n_pool;		/* started */
	struct count (*counts)[OP_MAX]; /* one row of counters for each worker */

	size_t data_size;		/* constant: of a slot */
	unsigned int n_own;		/* constant: requests that are never lent */
	struct reqset *_Atomic set;	/* lock to write */
	struct chain *_Atomic chain;
	struct filters *filters;
	struct trace *trace;

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t work;  /* the queue has grown, or it is the end */
	pthread_cond_t idle;  /* a worker has ended */
	pthread_cond_t home;  /* a request has come home */
	struct reqset *old;   /* until its requests have come home */
	struct req *queue, **queue_end;
	unsigned int n_alive;		/* workers */
	unsigned int n_beginning;	/* of these, those whose channel is being made ready */
	unsigned int n_more;		/* requests that may yet be lent */
	int begin_error;		/* 0, or why a channel could not be made ready */
	bool broken;			/* a queue is no longer served: all has to end */
	int result;
};

/* -- requests -------------------------------------------------------------------------------- */

/* Caller holds the lock. */
static struct req *req_pop(struct server *server)
{
	struct reqset *set = server->set;
	struct req *req = set->free;

	if (req) {
		set->free = req->next;
		set->n_out++;
	}
	return req;
}

/* Caller holds the lock. */
static void req_push(struct server *server, struct req *req)
{
	struct reqset *set = req->set;

	req->next = set->free;
	set->free = req;
	set->n_out--;
	if (set == server->old && set->n_out == 0)
		server->old = reqset_free(set);
	pthread_cond_signal(&server->home);
}

/* A request for a worker, in the place of one that it has (or NULL). */
static struct req *req_take(struct server *server, struct req *instead)
{
	struct req *req;

	pthread_mutex_lock(&server->lock);
	while (!(req = req_pop(server)))
		pthread_cond_wait(&server->home, &server->lock);
	if (instead)
		req_push(server, instead);
	pthread_mutex_unlock(&server->lock);
	return req;
}

struct req *server_move(struct req *req)
{
	struct server *server = req->server;
	struct req *to;
	int wire;

	pthread_mutex_lock(&server->lock);
	while (!(to = req_pop(server)))
		pthread_cond_wait(&server->home, &server->lock);
	pthread_mutex_unlock(&server->lock);
	to->chan = req->chan;
	to->queue = req->queue;
	to->in_pool = req->in_pool;
	/* It was decoded before, from the same bytes. */
	chan_decode(&to->slot, chan_copy(&req->slot, &req->msg, &to->slot), &to->msg, &wire);
	if (req_kept(req)) {
		to->from = req;
		return to;
	}
	pthread_mutex_lock(&server->lock);
	req_push(server, req);
	pthread_mutex_unlock(&server->lock);
	return to;
}

/*
 * A request that can be lent, NULL when there are no more. From the set that is in no other use, where
 * there are two. Caller holds the lock.
 */
static struct req *more_pop(struct server *server)
{
	struct reqset *set = server->old ? server->old : server->set;
	struct req *req = server->n_more ? set->free : NULL;

	if (req) {
		set->free = req->next;
		set->n_out++;
		server->n_more--;
	}
	return req;
}

/* A request is about to wait: true when others can still come in by its channel. */
static bool feed(struct server *server, struct chan *chan)
{
	enum chan_want want = chan->ops->wants(chan);
	struct req *more = NULL;

	if (want == CHAN_HAS_ENOUGH)
		return true;
	pthread_mutex_lock(&server->lock);
	more = more_pop(server);
	pthread_mutex_unlock(&server->lock);
	if (!more)
		return want != CHAN_HAS_NONE;
	if (chan->ops->lend(chan, &more->slot) == 0)
		return true;
	pthread_mutex_lock(&server->lock);
	server->n_more++;
	req_push(server, more);
	pthread_mutex_unlock(&server->lock);
	return want != CHAN_HAS_NONE;
}

bool server_to_pool(struct req *req, struct req **ret_other)
{
	struct server *server = req->server;
	struct req *other = NULL;
	bool goes = server->n_pool;

	if (goes && req_kept(req))
		goes = feed(server, req->chan);
	pthread_mutex_lock(&server->lock);
	if (goes && !req_kept(req)) {
		other = req_pop(server);
		goes = other;
	}
	if (goes) {
		req->in_pool = true;
		req->next = NULL;
		*server->queue_end = req;
		server->queue_end = &req->next;
		pthread_cond_signal(&server->work);
	}
	pthread_mutex_unlock(&server->lock);
	*ret_other = other;
	return goes;
}

/* Its slot goes back to the transport, with the answer; a request that has moved is free then. */
static struct req *give_back(struct req *req)
{
	struct req *from = req->from;

	if (!req_kept(req))
		return req;
	req->from = NULL;
	/* A slot that was lent before: this cannot fail, and the request is not ours after it. */
	req->chan->ops->lend(req->chan, from ? &from->slot : &req->slot);
	return from ? req : NULL;
}

struct fs *req_fs(struct req *req)
{
	return req->server->fs;
}

/* -- filters ---------------------------------------------------------------------------------- */

/*
 * Who frees a chain looks at all requests for it. So it is written down first, and holds if it is
 * still the one in force after that.
 */
struct chain *server_chain(struct req *req)
{
	struct server *server = req->server;
	struct chain *chain = atomic_load_explicit(&server->chain, memory_order_acquire);

	while (chain) {
		struct chain *now;

		atomic_store(&req->chain, chain);
		now = atomic_load(&server->chain);
		if (now == chain)
			return chain;
		chain = now;
	}
	atomic_store_explicit(&req->chain, NULL, memory_order_release);
	return NULL;
}

struct req *server_borrow(struct server *server, bool wait)
{
	struct req *req;

	pthread_mutex_lock(&server->lock);
	while (!(req = req_pop(server)) && wait)
		pthread_cond_wait(&server->home, &server->lock);
	pthread_mutex_unlock(&server->lock);
	if (req)
		server_chain(req);
	return req;
}

void server_return(struct req *req)
{
	struct server *server = req->server;

	memset(&req->caller, 0, sizeof(*req) - offsetof(struct req, caller));
	atomic_store(&req->chain, NULL);
	pthread_mutex_lock(&server->lock);
	req_push(server, req);
	pthread_mutex_unlock(&server->lock);
}

bool server_stopping(struct server *server)
{
	return server->stop;
}

struct trace *server_trace(struct server *server)
{
	return server->trace;
}

struct filters *server_filters(struct server *server)
{
	return server->filters;
}

struct fs *server_fs(struct server *server)
{
	return server->fs;
}

struct chan *server_chan(struct server *server)
{
	return server->workers[0].chan;
}

int server_slots(struct server *server, const struct filter_slots **ret_slots,
		 struct pst_error *error)
{
	struct reqset *set = server->set, *new;
	int r;

	if (!set->slots) {
		r = reqset_new(server, server->n_own, server->data_size, true, &new, error);
		if (r < 0)
			return r;
		pthread_mutex_lock(&server->lock);
		server->old = set;
		server->set = new;
		if (set->n_out == 0)
			server->old = reqset_free(set);
		pthread_mutex_unlock(&server->lock);
		set = new;
	}
	*ret_slots = set->slots;
	return 0;
}

struct chain *server_set_chain(struct server *server, struct chain *chain)
{
	return atomic_exchange(&server->chain, chain);
}

/* Caller holds the lock. */
static bool set_has(const struct reqset *set, const struct chain *chain)
{
	for (unsigned int i = 0; set && i < set->n; i++)
		if (set->reqs[i].chain == chain)
			return true;
	return false;
}

bool server_drained(struct server *server, const struct chain *chain, unsigned int ms)
{
	struct timespec pause = { .tv_nsec = 1000000 };
	bool busy = true;

	for (unsigned int i = 0; i <= ms && busy; i++) {
		if (i)
			nanosleep(&pause, NULL);
		pthread_mutex_lock(&server->lock);
		busy = set_has(server->set, chain) || set_has(server->old, chain);
		pthread_mutex_unlock(&server->lock);
	}
	return !busy;
}

void server_count(struct req *req, int r)
{
	if (r < 0)
		atomic_fetch_add_explicit(
			&req->server->counts[req->queue][req->msg.head->opcode].errors, 1,
			memory_order_relaxed);
}

/* -- answers that come later ----------------------------------------------------------------- */

/*
 * Two have to come to the end of it: the thread that had the request, and the one that has the answer,
 * which may be there before the first has let go. The second of them sends it.
 */
struct later {
	struct fs_waiter waiter;
	struct chan *chan;
	struct slot *slot;
	int answer;
	_Atomic int n_left;
};

static void later_end(struct later *later)
{
	struct chan_answer message = { .unique = later->waiter.unique, .error = later->answer };

	if (atomic_fetch_sub(&later->n_left, 1) > 1)
		return;
	later->chan->ops->reply(later->chan, later->slot, &message);
	if (later->chan->ops->lend)
		later->chan->ops->lend(later->chan, later->slot);
	free(later);
}

static void later_done(struct fs_waiter *waiter, int answer)
{
	struct later *later = (struct later *)waiter;

	later->answer = answer;
	later_end(later);
}

struct fs_waiter *req_later(struct req *req)
{
	struct later *later;

	if (req_kept(req) && !feed(req->server, req->chan))
		return NULL;
	later = calloc(1, sizeof(*later));
	if (!later)
		return NULL;
	later->waiter.done = later_done;
	later->waiter.unique = req->msg.head->unique;
	later->chan = req->chan;
	later->slot = req_home(req);
	later->n_left = 2;
	req->later = later;
	return &later->waiter;
}

void req_later_cancel(struct req *req)
{
	free(req->later);
	req->later = NULL;
}

struct req *server_done(struct req *req, struct later *later)
{
	struct req *moved = req->from ? req : NULL;

	if (!later)
		return give_back(req);
	if (!req_kept(req))
		moved = req;
	req->from = NULL;
	later_end(later);
	return moved;
}

/* -- threads --------------------------------------------------------------------------------- */

static void *pool_main(void *arg)
{
	struct server *server = arg;

	fs_thread_init();
	pthread_mutex_lock(&server->lock);
	for (;;) {
		struct req *req = server->queue;

		if (!req && server->stop)
			break;
		if (!req) {
			pthread_cond_wait(&server->work, &server->lock);
			continue;
		}
		server->queue = req->next;
		if (!server->queue)
			server->queue_end = &server->queue;
		pthread_mutex_unlock(&server->lock);
		req = req_serve(req);
		pthread_mutex_lock(&server->lock);
		if (req)
			req_push(server, req);
	}
	pthread_mutex_unlock(&server->lock);
	return NULL;
}

/* A request that is none: answered where it can be. */
static void serve_bad(struct req *req, int wire)
{
	const struct fuse_in_header *head = req->msg.head;
	struct chan_answer answer = { 0 };
	const struct op *op;

	if (wire == WIRE_E_SHORT) {
		log_error("a request of less than a header was dropped");
		return;
	}
	op = op_find(head->opcode);
	log_debug("request %u (%s) cannot be read", head->opcode, op ? op->name : "unknown");
	if (op && (op->flags & OP_NO_REPLY))
		return;
	answer.unique = head->unique;
	answer.error = wire == WIRE_E_UNKNOWN ? -ENOSYS : -EIO;
	req->chan->ops->reply(req->chan, &req->slot, &answer);
}

static void log_request(const struct req *req)
{
	char text[600];

	wire_print(&req->msg, text, sizeof(text));
	log_debug("%s", text);
}

/* One request: served, or put where it will be. Returns what req_serve() does. */
static struct req *worker_serve(struct worker *worker, struct req *req, bool bad, int wire)
{
	struct server *server = worker->server;

	req->chan = worker->chan;
	req->queue = worker->number;
	req->in_pool = false;
	if (bad) {
		serve_bad(req, wire);
		return give_back(req);
	}
	atomic_fetch_add_explicit(&server->counts[worker->number][req->msg.head->opcode].n, 1,
				  memory_order_relaxed);
	if (log_level() >= PST_LOG_DEBUG)
		log_request(req);
	return req_serve(req);
}

/* Takes requests until the connection ends; returns why. *held: for a channel that keeps no slots. */
static int worker_loop(struct worker *worker, struct req **held)
{
	struct server *server = worker->server;
	struct chan *chan = worker->chan;
	bool keeps = chan->ops->lend;
	struct wire_msg msg = { 0 };

	while (!server->stop) {
		struct slot *slot = NULL;
		struct req *req;
		int wire = 0, r;

		if (!keeps) {
			if ((*held)->set !=
			    atomic_load_explicit(&server->set, memory_order_relaxed))
				*held = req_take(server, *held);
			slot = &(*held)->slot;
		}
		r = chan->ops->receive(chan, &slot, &msg, &wire);
		if (r == CHAN_E_AGAIN)
			continue;
		if (r == CHAN_E_GONE)
			return 0;
		if (r < 0)
			return r;
		req = (struct req *)((char *)slot - offsetof(struct req, slot));
		req->msg = msg;
		req = worker_serve(worker, req, r == CHAN_E_BAD, wire);
		if (!keeps) {
			*held = req;
		} else if (req) {
			pthread_mutex_lock(&server->lock);
			req_push(server, req);
			pthread_mutex_unlock(&server->lock);
		}
	}
	return 0;
}

/* Where requests of a CPU are served by it, so that nobody is woken elsewhere. */
static void worker_pin(const struct worker *worker)
{
	int r = cpu_pin((unsigned int)worker->chan->cpu);

	if (r < 0)
		log_info("the worker of CPU %d is not bound to it: %s", worker->chan->cpu,
			 strerror(-r));
}

static int lend_first(struct worker *worker)
{
	struct chan *chan = worker->chan;
	_cleanup_(freep) struct slot **slots = calloc(chan->n_slots, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	/* There are as many as all channels are lent. */
	for (unsigned int i = 0; i < chan->n_slots; i++)
		slots[i] = &req_take(worker->server, NULL)->slot;
	return chan->ops->begin(chan, slots);
}

/*
 * Makes a channel that keeps slots ready. All do or none: a kernel that lacks one of its queues uses
 * none. What was lent to one that falls back is not used again.
 */
static int worker_begin(struct worker *worker, int r)
{
	struct server *server = worker->server;

	if (!worker->chan->ops->lend)
		return r;
	if (r == 0)
		r = lend_first(worker);
	pthread_mutex_lock(&server->lock);
	if (r < 0 && !server->begin_error)
		server->begin_error = r;
	server->n_beginning--;
	pthread_cond_broadcast(&server->idle);
	while (server->n_beginning && !server->stop)
		pthread_cond_wait(&server->idle, &server->lock);
	r = server->begin_error;
	pthread_mutex_unlock(&server->lock);
	if (r < 0)
		return worker->chan->ops->fall_back(worker->chan);
	if (worker->chan->cpu >= 0)
		worker_pin(worker);
	return 0;
}

static void *worker_main(void *arg)
{
	struct worker *worker = arg;
	struct server *server = worker->server;
	bool keeps = worker->chan->ops->lend;
	struct req *req = NULL;
	int r;

	r = fs_thread_init();
	if (r < 0)
		log_error("cannot take up the identity that serving needs: %s", strerror(-r));
	r = worker_begin(worker, r);
	if (r == 0 && !worker->chan->ops->lend)
		req = req_take(server, NULL);
	if (r == 0)
		r = worker_loop(worker, &req);
	if (r < 0)
		log_error("a worker has ended: %s", strerror(-r));
	pthread_mutex_lock(&server->lock);
	if (req)
		req_push(server, req);
	server->n_alive--;
	if (r < 0 && !server->result)
		server->result = r;
	if (r < 0 && keeps)
		server->broken = true;
	pthread_cond_broadcast(&server->idle);
	pthread_mutex_unlock(&server->lock);
	return NULL;
}

/* Waits until all channels are ready, or have fallen back. */
static void wait_begun(struct server *server)
{
	pthread_mutex_lock(&server->lock);
	while (server->n_beginning)
		pthread_cond_wait(&server->idle, &server->lock);
	pthread_mutex_unlock(&server->lock);
}

static int threads_start(struct server *server, unsigned int n_pool)
{
	int r;

	server->pool = calloc(n_pool + 1, sizeof(*server->pool));
	if (!server->pool)
		return -ENOMEM;
	for (unsigned int i = 0; i < n_pool; i++) {
		r = wake_thread_create(&server->pool[i], NULL, pool_main, server);
		if (r < 0)
			return r;
		server->n_pool++;
	}
	for (unsigned int i = 0; i < server->n_workers; i++) {
		struct worker *worker = &server->workers[i];

		pthread_mutex_lock(&server->lock);
		r = wake_thread_create(&worker->thread, NULL, worker_main, worker);
		worker->started = r == 0;
		server->n_alive += r == 0;
		pthread_mutex_unlock(&server->lock);
		if (r < 0)
			return r;
	}
	wait_begun(server);
	return 0;
}

/* Workers sit in a read that only the kernel or a signal ends. */
static void workers_stop(struct server *server)
{
	pthread_mutex_lock(&server->lock);
	server->stop = true;
	pthread_cond_broadcast(&server->idle);
	pthread_mutex_unlock(&server->lock);
	for (;;) {
		struct timespec pause = { .tv_nsec = 5000000 };
		unsigned int n_alive;

		pthread_mutex_lock(&server->lock);
		n_alive = server->n_alive;
		pthread_mutex_unlock(&server->lock);
		if (n_alive == 0)
			break;
		for (unsigned int i = 0; i < server->n_workers; i++)
			if (server->workers[i].started)
				wake_thread(server->workers[i].thread);
		nanosleep(&pause, NULL);
	}
	for (unsigned int i = 0; i < server->n_workers; i++)
		if (server->workers[i].started)
			pthread_join(server->workers[i].thread, NULL);
}

static void pool_stop(struct server *server)
{
	pthread_mutex_lock(&server->lock);
	server->stop = true;
	pthread_cond_broadcast(&server->work);
	pthread_mutex_unlock(&server->lock);
	for (unsigned int i = 0; i < server->n_pool; i++)
		pthread_join(server->pool[i], NULL);
	server->n_pool = 0;
}

/* -- the server ------------------------------------------------------------------------------ */

DEFINE_CLEANUP(struct server *, server_free);

/* How many requests there have to be, those that are lent included. */
static unsigned int count_requests(struct server *server, bool filtered)
{
	unsigned int n_lent = 0;

	for (unsigned int i = 0; i < server->n_workers; i++) {
		n_lent += server->workers[i].chan->n_slots;
		server->n_beginning += server->workers[i].chan->n_slots > 0;
	}
	if (n_lent)
		server->n_more = filtered ? N_MORE_FILTERED : N_MORE;
	return server->n_own + n_lent + server->n_more;
}

int server_new(const struct server_config *config, struct server **ret_server,
	       struct pst_error *error)
{
	_cleanup_(server_freep) struct server *server = calloc(1, sizeof(*server));
	struct worker *workers = calloc(config->n_chans, sizeof(*workers));
	bool filtered = config->filters && config->filters[0];
	struct reqset *set;
	int r;

	if (!server || !workers) {
		free(workers);
		fs_free(config->fs);
		host_free(config->host);
		for (unsigned int i = 0; i < config->n_chans; i++)
			chan_free(config->chans[i]);
		return error_set(error, -ENOMEM, "no memory");
	}
	server->fs = config->fs;
	server->host = config->host;
	server->workers = workers;
	server->n_workers = config->n_chans;
	server->queue_end = &server->queue;
	pthread_mutex_init(&server->lock, NULL);
	pthread_cond_init(&server->work, NULL);
	pthread_cond_init(&server->idle, NULL);
	pthread_cond_init(&server->home, NULL);
	for (unsigned int i = 0; i < config->n_chans; i++)
		workers[i] = (struct worker){ server, config->chans[i], i, 0, false };
	wake_install();
	server->counts = calloc(config->n_chans, sizeof(*server->counts));
	if (!server->counts)
		return error_set(error, -ENOMEM, "no memory");
	server->data_size = config->max_write;
	server->n_own = config->n_chans + config->n_pool + N_QUEUED;
	r = reqset_new(server, count_requests(server, filtered), config->max_write, filtered, &set,
		       error);
	if (r < 0)
		return r;
	server->set = set;
	r = trace_new(&server->trace);
	if (r == 0)
		r = filters_new(server, config->features, &server->filters);
	if (r < 0)
		return error_set(error, r, "no memory");
	for (size_t i = 0; config->filters && config->filters[i]; i++) {
		r = filters_add(server->filters, config->filters[i], error);
		if (r < 0)
			return r;
	}
	r = host_start(server->host, server->fs);
	if (r == 0)
		r = threads_start(server, config->n_pool);
	if (r < 0)
		return error_set(error, r, "cannot start the threads: %s", strerror(-r));
	*ret_server = take_ptr(server);
	return 0;
}

int server_wait(struct server *server)
{
	int r;

	pthread_mutex_lock(&server->lock);
	while (server->n_alive && !server->broken)
		pthread_cond_wait(&server->idle, &server->lock);
	r = server->result;
	pthread_mutex_unlock(&server->lock);
	return r;
}

struct server *server_free(struct server *server)
{
	if (!server)
		return NULL;
	workers_stop(server);
	pool_stop(server);
	fs_shutdown(server->fs);
	host_stop(server->host);
	server->filters = filters_free(server->filters);
	fs_free(server->fs);
	for (unsigned int i = 0; i < server->n_workers; i++)
		chan_free(server->workers[i].chan);
	host_free(server->host);
	reqset_free(server->old);
	reqset_free(server->set);
	trace_free(server->trace);
	pthread_cond_destroy(&server->home);
	pthread_cond_destroy(&server->idle);
	pthread_cond_destroy(&server->work);
	pthread_mutex_destroy(&server->lock);
	free(server->counts);
	free(server->pool);
	free(server->workers);
	free(server);
	return NULL;
}

int server_begin_error(struct server *server)
{
	return server->begin_error;
}

void server_fs_stat(struct server *server, struct fs_stat *ret_stat)
{
	fs_stat(server->fs, ret_stat);
}

void server_op_stat(struct server *server, uint32_t opcode, uint64_t *ret_n, uint64_t *ret_errors)
{
	uint64_t n = 0, errors = 0;

	for (unsigned int i = 0; i < server->n_workers; i++) {
		n += server->counts[i][opcode].n;
		errors += server->counts[i][opcode].errors;
	}
	*ret_n = n;
	*ret_errors = errors;
}
