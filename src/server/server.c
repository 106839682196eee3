// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Creates and frees a server with its parts, and implements the services that requests need from it
 * (struct request_host).
 *
 * One worker for each channel (server/workers.h) receives requests and serves them in the slot in
 * which they arrived. A request that may block for long goes to the thread pool (server/pool.h),
 * and the worker continues with a spare request (server/request-pool.h). If all requests are in
 * use, the worker runs the operation itself, and the next request waits.
 *
 * Channels of io_uring own slots: they get requests at the start, and the server has these only
 * between arrival and reply. If all requests of a channel wait, the channel gets one more, which it
 * keeps.
 */
#include "server/server.h"
#include "request/exact.h"
#include "request/req.h"
#include "request/served.h"
#include "request/trace.h"
#include "server/chain-marks.h"
#include "server/chain-update.h"
#include "server/delays.h"
#include "server/fs-callbacks.h"
#include "server/invalidator.h"
#include "server/pool.h"
#include "server/workers.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>

/*
 * The number of requests for the queue of the thread pool; of those in a BPF map there are fewer.
 * With io_uring few are needed, because queued requests stay in the slots of their channels.
 */
#define N_QUEUED          768
#define N_QUEUED_FILTERED 40
#define N_QUEUED_OWNED    16
/* Requests of server/forget-programs.c. */
#define N_FORGOTTEN 1

/* The watchdog looks every 4 ms, and sleeps after 32 looks in a row that found nothing. */
#define WATCHDOG_MS   4
#define WATCHDOG_IDLE 32

struct server {
	struct request_host request_host; /* for requests */
	struct chan_host chan_host;       /* for channels */
	struct fs_callbacks *fs_callbacks;
	struct workers workers;
	struct pool pool;
	struct delays delays;
	struct ticker watchdog;
	struct request_pool requests;
	struct filters *filters;
	struct exact exact;
	void (*_Atomic on_readonly)(void *aux);
	void *on_readonly_aux; /* set before on_readonly */
};

/* -- requests -------------------------------------------------------------------------------- */

static struct server *server_of(const struct request_host *host)
{
	return (struct server *)((char *)host - offsetof(struct server, request_host));
}

/*
 * Gives the queue of the request another worker, or its channel another slot, if no request could
 * arrive there any more. Returns false if that fails. Then, or if fetch() fails, a lock must not
 * wait: the unlock might stay queued in the kernel, which would be a deadlock.
 */
static bool feed(struct req *req, bool for_lock)
{
	struct server *server = server_of(req->host);

	if (!req->chan->ops->wants(req->chan))
		return req->chan->ops->fetch(req->chan) || !for_lock;
	return workers_add(&server->workers, req->queue) ||
	       request_pool_feed(&server->requests, req->chan, for_lock);
}

/*
 * Prepares that this thread leaves a request to the pool: sets *ret_other as to_pool(). Returns
 * false if the pool has no room.
 */
static bool may_leave(struct server *server, struct req *req, struct req **ret_other)
{
	unsigned int n_room = request_pool_room(&server->requests, req);

	*ret_other = NULL;
	if (!server->request_host.has_pool || !pool_has_room(&server->pool, req, n_room))
		return false;
	if (req_slot_is_owned(req))
		return feed(req, false);
	*ret_other = request_pool_take_spare(&server->requests);
	return *ret_other;
}

static bool to_pool(struct req *req, bool may_block, bool at_once, struct req **ret_other)
{
	struct server *server = server_of(req->host);

	if (!may_leave(server, req, ret_other))
		return false;
	if (pool_push(&server->pool, req, may_block, at_once))
		return true;
	request_pool_put(&server->requests, *ret_other);
	return false;
}

static bool spare(struct req *req, bool briefly)
{
	struct server *server = server_of(req->host);

	if (!workers_are_busy(&server->workers, req->chan) ||
	    workers_add(&server->workers, req->queue))
		return true;
	return briefly && req_slot_is_owned(req) &&
	       request_pool_feed(&server->requests, req->chan, false);
}

/* Returns true if no request can arrive any more. Waits for a millisecond. */
static bool view_ends(const struct req *req)
{
	struct pollfd connection = { .fd = req->chan->fd };

	return (poll(&connection, 1, 1) > 0 && (connection.revents & (POLLERR | POLLHUP))) ||
	       req->host->stopping;
}

static struct req *replace(struct req *req)
{
	struct server *server = server_of(req->host);
	struct req *other;

	/* Not req->in_pool: without room in the pool, a worker runs the request like the pool. */
	if (pool_is_this_thread())
		return NULL;
	if (req_slot_is_owned(req)) {
		feed(req, false);
		return NULL;
	}
	/* Root may have all requests asleep, until the view ends. */
	do
		other = request_pool_take_spare(&server->requests);
	while (!other && !view_ends(req));
	return other;
}

static void move_out(struct req *req)
{
	request_pool_move_out(&server_of(req->host)->requests, req);
}

static void move_in(struct req *req)
{
	request_pool_move_in(&server_of(req->host)->requests, req);
}

static bool park(struct req *req, struct req **ret_other, int *ret_r)
{
	struct server *server = server_of(req->host);
	int r;

	if (!req_may_sleep(req)) {
		*ret_r = -EAGAIN;
		return false;
	}
	move_out(req);
	*ret_other = replace(req);
	req->measured = false;
	req_sleep(req);
	r = pool_park(&server->pool, req);
	if (r == 1)
		return true;
	req_wake(req);
	request_pool_put(&server->requests, *ret_other);
	*ret_r = r == 0 ? REQ_PARK : r;
	return false;
}

static bool delay(struct req *req, struct req **ret_other)
{
	struct server *server = server_of(req->host);

	if (!req_may_sleep(req))
		return false;
	move_out(req);
	*ret_other = replace(req);
	req_sleep(req);
	if (delays_add(&server->delays, req) == 0)
		return true;
	req_wake(req);
	request_pool_put(&server->requests, *ret_other);
	return false;
}

static void put(struct request_host *host, struct req *req)
{
	request_pool_put(&server_of(host)->requests, req);
}

static void resume(struct req *req, int r)
{
	req_wake(req);
	if (r == REQ_BELOW) {
		req->below = true;
		pool_run(&server_of(req->host)->pool, req);
	} else {
		put(req->host, req_finish(req, r));
	}
}

static void interrupt(struct request_host *host, uint64_t unique)
{
	struct server *server = server_of(host);

	if (!delays_interrupt(&server->delays, unique))
		pool_interrupt(&server->pool, unique);
}

static struct req *move(struct req *req)
{
	struct request_pool *requests = &server_of(req->host)->requests;
	struct req *to = request_pool_take(requests, true);

	to->chan = req->chan;
	to->queue = req->queue;
	to->in_pool = req->in_pool;
	to->msg = req->msg;
	/* From the old slot, because programs can write to the new one. */
	req_save(to);
	chan_copy(&req->slot, &to->slot, &to->msg);
	if (req_slot_is_owned(req))
		to->from = req;
	else
		request_pool_put(requests, req);
	return to;
}

static void mark_nodes(struct req *req)
{
	chain_marks_update(&server_of(req->host)->requests, req);
}

static void count(struct req *req, int r)
{
	struct server *server = server_of(req->host);
	struct op_count *counts = server->workers.counts[req->queue];

	if (r < 0)
		atomic_fetch_add_explicit(&counts[req->msg.head->opcode].errors, 1,
					  memory_order_relaxed);
	if (r == -EROFS && server->on_readonly)
		server->on_readonly(server->on_readonly_aux);
}

void server_on_readonly(struct server *server, void (*fn)(void *aux), void *aux)
{
	server->on_readonly_aux = aux;
	server->on_readonly = fn;
}

static uint64_t find_file(void *aux, bool (*fn)(void *fn_aux, uint64_t nodeid), void *fn_aux)
{
	return fs_find_file(aux, fn, fn_aux);
}

static void init_request_host(struct server *server, const struct server_config *config)
{
	server->request_host = (struct request_host){
		.fs = config->fs,
		.exact = &server->exact,
		.source = config->source,
		.submounts = config->fs_callbacks->submounts,
		.disabled_ops = config->disabled_ops,
		.sync = config->sync,
		.dirsync = config->dirsync,
		.has_pool = config->n_pool,
		.to_pool = to_pool,
		.park = park,
		.delay = delay,
		.spare = spare,
		.feed = feed,
		.replace = replace,
		.put = put,
		.resume = resume,
		.drop = req_drop,
		.interrupt = interrupt,
		.move_out = move_out,
		.move_in = move_in,
		.move = move,
		.mark_nodes = mark_nodes,
		.count = count,
	};
}

/* -- the server ------------------------------------------------------------------------------ */

DEFINE_CLEANUP(struct server *, server_free);

/* Frees the objects that config passes to the server, because no server can be created. */
static void drop(const struct server_config *config)
{
	source_free(config->source);
	fs_free(config->fs);
	fs_callbacks_free(config->fs_callbacks);
	for (unsigned int i = 0; i < config->n_chans; i++)
		chan_free(config->chans[i]);
}

/* For the watchdog: looks for blocked threads. Returns false if none has to be checked again. */
static bool check(void *aux)
{
	struct server *server = aux;
	bool needed = pool_check(&server->pool);

	return workers_check(&server->workers) || needed;
}

static int start_threads(struct server *server, unsigned int n_pool)
{
	int r = fs_callbacks_start(server->fs_callbacks, &server->filters, server->request_host.fs);

	if (r == 0)
		r = ticker_start(&server->watchdog);
	if (r == 0)
		r = pool_start(&server->pool, n_pool);
	if (r == 0)
		r = workers_start(&server->workers);
	return r;
}

int server_new(const struct server_config *config, struct server **ret_server,
	       struct pst_error *error)
{
	_cleanup_(server_freep) struct server *server = calloc(1, sizeof(*server));
	struct request_pool_config requests = {
		.n_threads = config->n_chans + config->n_pool + N_FORGOTTEN,
		.n_queued = { N_QUEUED, N_QUEUED_FILTERED },
		.n_extra_threads = { WORKERS_EXTRA, WORKERS_EXTRA_FILTERED },
		.data_size = config->max_write,
		.filtered = config->filters && config->filters[0],
		.run_filters = config->run_filters,
	};
	int r, rs;

	if (!server) {
		drop(config);
		return error_set(error, -ENOMEM, "out of memory");
	}
	exact_init(&server->exact);
	init_request_host(server, config);
	server->chan_host = (struct chan_host){ .aux = config->fs, .find_file = find_file };
	for (unsigned int i = 0; i < config->n_chans; i++)
		config->chans[i]->host = &server->chan_host;
	server->fs_callbacks = config->fs_callbacks;
	delays_init(&server->delays, &server->pool);
	ticker_init(&server->watchdog, check, server, WATCHDOG_MS, WATCHDOG_IDLE);
	r = workers_init(&server->workers, &server->requests, &server->watchdog, config->chans,
			 config->n_chans);
	requests.n_given = workers_n_slots(&server->workers);
	if (requests.n_given) {
		requests.n_queued[false] = N_QUEUED_OWNED;
		requests.n_extra_threads[false] = requests.n_extra_threads[true] = 0;
	}
	rs = request_pool_init(&server->requests, &server->request_host, &requests, error);
	pool_init(&server->pool, &server->requests, &server->watchdog);
	server->pool.source = config->source;
	if (rs < 0)
		return rs;
	if (r == 0)
		r = trace_new(&server->request_host.trace);
	if (r == 0 && config->node_ops)
		r = served_new(config->node_ops, &server->request_host.served);
	if (r == 0)
		r = filters_new(&server->requests, server->fs_callbacks->invalidator,
				config->features, &server->filters);
	if (r < 0)
		return error_set(error, r, "out of memory");
	for (size_t i = 0; config->filters && config->filters[i]; i++) {
		r = filters_change(server->filters, NULL, config->filters[i], error);
		if (r < 0)
			return r;
	}
	r = start_threads(server, config->n_pool);
	if (r < 0)
		return error_set(error, r, "cannot start the threads: %s", strerror(-r));
	*ret_server = take_ptr(server);
	return 0;
}

int server_wait(struct server *server)
{
	return workers_wait(&server->workers);
}

struct server *server_free(struct server *server)
{
	struct filters *filters;

	if (!server)
		return NULL;
	server->request_host.stopping = true;
	if (server->request_host.source)
		source_stop(server->request_host.source);
	ticker_stop(&server->watchdog);
	delays_stop(&server->delays);
	workers_stop(&server->workers);
	pool_stop(&server->pool);
	served_stop(server->request_host.served);
	fs_shutdown(server->request_host.fs);
	fs_callbacks_stop(server->fs_callbacks);
	/*
	 * Clear server->filters first: a filter may have the last reference to the directory that
	 * it is attached to. Freeing that node calls forgotten(), which would use freed filters.
	 */
	filters = server->filters;
	server->filters = NULL;
	filters_free(filters);
	source_free(server->request_host.source);
	fs_free(server->request_host.fs);
	workers_fini(&server->workers);
	fs_callbacks_free(server->fs_callbacks);
	pool_fini(&server->pool);
	delays_fini(&server->delays);
	ticker_fini(&server->watchdog);
	request_pool_fini(&server->requests);
	served_free(server->request_host.served);
	trace_free(server->request_host.trace);
	exact_fini(&server->exact);
	free(server);
	return NULL;
}

int server_begin_error(struct server *server)
{
	return server->workers.begin_error;
}

const struct filter_slots *server_filter_slots(struct server *server)
{
	return request_pool_filtered(&server->requests);
}

struct source *server_source(struct server *server)
{
	return server->request_host.source;
}

struct trace *server_trace(struct server *server)
{
	return server->request_host.trace;
}

void server_data_changed(struct server *server, uint64_t nodeid, int64_t off, int64_t len)
{
	invalidator_queue_range(server->fs_callbacks->invalidator, nodeid, off, len);
}

struct served *server_served(struct server *server)
{
	return server->request_host.served;
}

struct filters *server_filters(struct server *server)
{
	return server->filters;
}

struct fs *server_fs(struct server *server)
{
	return server->request_host.fs;
}

void server_op_stat(struct server *server, uint32_t opcode, uint64_t *ret_n, uint64_t *ret_errors)
{
	uint64_t n = 0, errors = 0;

	for (unsigned int i = 0; i < server->workers.n; i++) {
		n += server->workers.counts[i][opcode].n;
		errors += server->workers.counts[i][opcode].errors;
	}
	*ret_n = n;
	*ret_errors = errors;
}
