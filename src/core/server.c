/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Threads and memory of a server.
 *
 * One worker for each channel takes requests and serves them where they arrived. What may block long
 * goes to the pool; the worker goes on with a spare request. There is a fixed number of requests
 * (core/reqset.h): when all are in use the worker does the work itself and its queue waits.
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
#include "util/log.h"
#include "util/wake.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Requests beyond those that threads have in their hands: the pool's queue. */
#define N_QUEUED 16

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

	size_t data_size;	    /* constant: of a slot */
	struct reqset *_Atomic set; /* lock to write */
	struct chain *_Atomic chain;
	struct filters *filters;
	struct trace *trace;

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t work;  /* the queue has grown, or it is the end */
	pthread_cond_t idle;  /* a worker has ended */
	pthread_cond_t home;  /* a request has come home */
	struct reqset *old;   /* until its requests have come home */
	struct req *queue, **queue_end;
	unsigned int n_alive; /* workers */
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
	size_t len = req->msg.head->len;
	struct req *to;
	int wire;

	pthread_mutex_lock(&server->lock);
	while (!(to = req_pop(server)))
		pthread_cond_wait(&server->home, &server->lock);
	pthread_mutex_unlock(&server->lock);
	memcpy(slot_message(&to->slot), slot_message(&req->slot), len);
	to->chan = req->chan;
	to->queue = req->queue;
	to->in_pool = req->in_pool;
	/* It was decoded before, from the same bytes. */
	chan_decode(&to->slot, len, &to->msg, &wire);
	pthread_mutex_lock(&server->lock);
	req_push(server, req);
	pthread_mutex_unlock(&server->lock);
	return to;
}

struct req *server_to_pool(struct req *req)
{
	struct server *server = req->server;
	struct req *other = NULL;

	pthread_mutex_lock(&server->lock);
	if (server->n_pool)
		other = req_pop(server);
	if (other) {
		req->in_pool = true;
		req->next = NULL;
		*server->queue_end = req;
		server->queue_end = &req->next;
		pthread_cond_signal(&server->work);
	}
	pthread_mutex_unlock(&server->lock);
	return other;
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

struct req *server_borrow(struct server *server)
{
	struct req *req = req_take(server, NULL);

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
		r = reqset_new(server, set->n, server->data_size, true, &new, error);
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

struct later {
	struct fs_waiter waiter;
	struct chan *chan;
};

static void later_done(struct fs_waiter *waiter, int answer)
{
	struct later *later = (struct later *)waiter;
	struct chan_answer message = { .unique = waiter->unique, .error = answer };

	later->chan->ops->reply(later->chan, &message);
	free(later);
}

struct fs_waiter *req_later(struct req *req)
{
	struct later *later = calloc(1, sizeof(*later));

	if (!later)
		return NULL;
	later->waiter.done = later_done;
	later->waiter.unique = req->msg.head->unique;
	later->chan = req->chan;
	return &later->waiter;
}

void req_later_cancel(struct fs_waiter *waiter)
{
	free(waiter);
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
	req->chan->ops->reply(req->chan, &answer);
}

static void log_request(const struct req *req)
{
	char text[600];

	wire_print(&req->msg, text, sizeof(text));
	log_debug("%s", text);
}

/* Takes requests until the connection ends; returns why. */
static int worker_loop(struct worker *worker, struct req **held)
{
	struct server *server = worker->server;
	struct req *req = *held;

	while (!server->stop) {
		int wire = 0, r;

		if (req->set != atomic_load_explicit(&server->set, memory_order_relaxed))
			*held = req = req_take(server, req);
		req->chan = worker->chan;
		req->queue = worker->number;
		req->in_pool = false;
		r = worker->chan->ops->receive(worker->chan, &req->slot, &req->msg, &wire);
		if (r == CHAN_E_AGAIN)
			continue;
		if (r == CHAN_E_GONE)
			return 0;
		if (r < 0)
			return r;
		if (r == CHAN_E_BAD) {
			serve_bad(req, wire);
			continue;
		}
		atomic_fetch_add_explicit(&server->counts[worker->number][req->msg.head->opcode].n,
					  1, memory_order_relaxed);
		if (log_level() >= PST_LOG_DEBUG)
			log_request(req);
		*held = req = req_serve(req);
	}
	return 0;
}

static void *worker_main(void *arg)
{
	struct worker *worker = arg;
	struct server *server = worker->server;
	struct req *req = req_take(server, NULL);
	int r;

	r = fs_thread_init();
	if (r < 0)
		log_error("cannot take up the identity that serving needs: %s", strerror(-r));
	else
		r = worker_loop(worker, &req);
	if (r < 0)
		log_error("a worker has ended: %s", strerror(-r));
	pthread_mutex_lock(&server->lock);
	req_push(server, req);
	server->n_alive--;
	if (r < 0 && !server->result)
		server->result = r;
	pthread_cond_broadcast(&server->idle);
	pthread_mutex_unlock(&server->lock);
	return NULL;
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
	return 0;
}

/* Workers sit in a read that only the kernel or a signal ends. */
static void workers_stop(struct server *server)
{
	server->stop = true;
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

int server_new(const struct server_config *config, struct server **ret_server,
	       struct pst_error *error)
{
	_cleanup_(server_freep) struct server *server = calloc(1, sizeof(*server));
	struct worker *workers = calloc(config->n_chans, sizeof(*workers));
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
	r = reqset_new(server, config->n_chans + config->n_pool + N_QUEUED, config->max_write,
		       config->filters && config->filters[0], &set, error);
	if (r < 0)
		return r;
	server->set = set;
	r = trace_new(&server->trace);
	if (r == 0)
		r = filters_new(server, config->nameless, &server->filters);
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
	while (server->n_alive)
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
