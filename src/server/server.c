/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A server: what it is made of, and what the parts ask of each other.
 *
 * One worker for each channel (server/workers.h) takes requests and serves them where they arrived. What
 * may block long goes to the pool (server/pool.h); the worker goes on with a spare request from the
 * supply (server/request-pool.h). When all are in use the worker does the work itself and its queue waits.
 *
 * Transports that keep slots have requests of their own, which are lent to them at the start and come
 * back to us only between arrival and answer. When so many of them wait that a channel has none left,
 * it is lent one more, for good.
 */
#include "server/server.h"
#include "filter/chain.h"
#include "request/exact.h"
#include "server/chain-update.h"
#include "server/fs-callbacks.h"
#include "server/pool.h"
#include "server/server-private.h"
#include "request/trace.h"
#include "server/workers.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

/*
 * Requests beyond those that threads have in their hands, for the pool's queue; where filters reach their
 * memory, which is all there from the start; where transports keep slots, which requests in the queue lie
 * in.
 */
#define N_QUEUED 768
#define N_QUEUED_FILTERED 40
#define N_QUEUED_KEPT 16
/* ... and for filters that are told of forgotten files (server/forgotten.c). */
#define N_FORGOTTEN 1

struct server {
	struct fs *fs;
	struct host *host;
	uint64_t lacks; /* constant */
	bool sync, dirsync; /* constant */
	struct workers workers;
	struct pool pool;
	struct rescue rescue;
	struct supply supply;
	struct chain *_Atomic chain;
	_Atomic unsigned int n_moving, n_moved; /* RENAMEs under filters: under way, ended */
	struct filters *filters;
	struct trace *trace;
	void (*_Atomic on_readonly)(void *aux);
	void *on_readonly_aux; /* set before that */
	struct exact exact;
};

/* -- requests -------------------------------------------------------------------------------- */

struct fs *req_fs(struct req *req)
{
	return req->server->fs;
}

/*
 * A request is about to wait, for a lock or in the pool: its queue gets another worker, or its channel
 * another slot, where nothing would come in any more.
 */
static bool feed(struct req *req, bool for_lock)
{
	struct server *server = req->server;

	if (!req->chan->ops->wants(req->chan))
		return true;
	return workers_grow(&server->workers, req->queue) ||
	       supply_feed(&server->supply, req->chan, for_lock);
}

bool server_feed(struct req *req)
{
	return feed(req, true);
}

bool server_to_pool(struct req *req, bool by_nature, struct req **ret_other)
{
	struct server *server = req->server;
	unsigned int n_room = supply_room(&server->supply, req_kept(req));
	bool goes = server_has_pool(server) && pool_has_room(&server->pool, req, n_room);

	*ret_other = NULL;
	if (goes && req_kept(req)) {
		goes = feed(req, false);
	} else if (goes) {
		*ret_other = supply_try(&server->supply);
		goes = *ret_other;
	}
	if (!goes)
		return false;
	req->in_pool = true;
	pool_push(&server->pool, req, by_nature);
	return true;
}

bool server_has_pool(const struct server *server)
{
	return server->pool.n_max;
}

bool server_pool_is_free(struct req *req)
{
	return pool_is_free(&req->server->pool, req);
}

bool server_is_slow(const struct server *server)
{
	return pool_wants(&server->pool, false);
}

bool server_spare(struct req *req)
{
	struct workers *workers = &req->server->workers;

	return !workers_are_bare(workers, req->chan) || workers_grow(workers, req->queue);
}

bool server_spare_for_look(struct req *req)
{
	if (server_spare(req))
		return true;
	return req_kept(req) && supply_feed(&req->server->supply, req->chan, false);
}

void server_interrupt(struct server *server, uint64_t unique)
{
	pool_interrupt(&server->pool, unique);
}

bool server_pool_wants(const struct server *server)
{
	return pool_wants(&server->pool, fs_is_far(server->fs));
}

void server_took(struct server *server, uint32_t ms)
{
	pool_took(&server->pool, ms);
}

struct req *server_move(struct req *req)
{
	struct supply *supply = &req->server->supply;
	struct req *to = supply_take(supply, NULL);
	int wire;

	to->chan = req->chan;
	to->queue = req->queue;
	to->in_pool = req->in_pool;
	/* It was decoded before, from the same bytes. */
	chan_decode(&to->slot, chan_copy(&req->slot, &req->msg, &to->slot), &to->msg, &wire);
	if (req_kept(req))
		to->from = req;
	else
		supply_put(supply, req);
	return to;
}

void server_count(struct req *req, int r)
{
	struct op_count *counts = req->server->workers.counts[req->queue];

	if (r < 0)
		atomic_fetch_add_explicit(&counts[req->msg.head->opcode].errors, 1,
					  memory_order_relaxed);
	if (r == -EROFS && req->server->on_readonly)
		req->server->on_readonly(req->server->on_readonly_aux);
}

void server_on_readonly(struct server *server, void (*fn)(void *aux), void *aux)
{
	server->on_readonly_aux = aux;
	server->on_readonly = fn;
}

/* -- filters ---------------------------------------------------------------------------------- */

/*
 * A thread that replaces a chain looks at all requests that run under the old one. So a request says
 * that it has begun, and writes the chain down; the chain counts if it is still in force after that.
 */
struct chain *server_chain(struct req *req)
{
	struct server *server = req->server;
	struct chain *chain, *now;

	atomic_store(&req->begun, true);
	chain = atomic_load(&server->chain);
	while (chain) {
		atomic_store(&req->chain, chain);
		now = atomic_load(&server->chain);
		if (now == chain)
			return chain;
		chain = now;
	}
	atomic_store_explicit(&req->chain, NULL, memory_order_release);
	return NULL;
}

void server_moves(struct req *req)
{
	if (!req->moving)
		req->server->n_moving++;
	req->moving = true;
}

void server_moved(struct req *req)
{
	if (!req->moving)
		return;
	req->server->n_moved++;
	req->server->n_moving--;
	req->moving = false;
}

void server_lookup_begins(struct req *req)
{
	req->n_moved = req->server->n_moved;
}

bool server_moved_since(const struct req *req)
{
	return req->server->n_moving || req->server->n_moved != req->n_moved;
}

struct req *server_borrow(struct server *server, bool wait)
{
	struct req *req = wait ? supply_take(&server->supply, NULL) : supply_try(&server->supply);

	if (req)
		server_chain(req);
	return req;
}

void server_return(struct req *req)
{
	struct server *server = req->server;

	memset(&req->caller, 0, sizeof(*req) - offsetof(struct req, caller));
	atomic_store(&req->chain, NULL);
	atomic_store_explicit(&req->begun, false, memory_order_release);
	supply_put(&server->supply, req);
}

int server_slots(struct server *server, const struct filter_slots **ret_slots,
		 struct pst_error *error)
{
	return supply_slots(&server->supply, ret_slots, error);
}

struct chain *server_set_chain(struct server *server, struct chain *chain)
{
	return atomic_exchange(&server->chain, chain);
}

bool server_drained(struct server *server, const struct chain *chain, unsigned int ms)
{
	struct timespec pause = { .tv_nsec = 1000000 };
	bool busy = supply_has_chain(&server->supply, chain);

	for (unsigned int i = 0; i < ms && busy; i++) {
		nanosleep(&pause, NULL);
		busy = supply_has_chain(&server->supply, chain);
	}
	return !busy;
}

/* -- the server ------------------------------------------------------------------------------ */

DEFINE_CLEANUP(struct server *, server_free);

/* What was to be taken, when there is no server to take it. */
static void drop(const struct server_config *config)
{
	fs_free(config->fs);
	host_free(config->host);
	for (unsigned int i = 0; i < config->n_chans; i++)
		chan_free(config->chans[i]);
}

/* For the rescue. */
static bool look(void *aux)
{
	struct server *server = aux;
	bool needed = pool_tick(&server->pool);

	return workers_look(&server->workers) || needed;
}

static int start_threads(struct server *server, unsigned int n_pool)
{
	int r = host_start(server->host, server, server->fs);

	if (r == 0)
		r = rescue_start(&server->rescue);
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
	struct workers_config workers = {
		.supply = &server->supply,
		.pool = &server->pool,
		.rescue = &server->rescue,
		.chans = config->chans,
		.n = config->n_chans,
	};
	struct supply_config supply = {
		.n_threads = config->n_chans + config->n_pool + N_FORGOTTEN,
		.n_queued_filtered = N_QUEUED_FILTERED,
		.data_size = config->max_write,
		.filtered = config->filters && config->filters[0],
	};
	int r, rs;

	if (!server) {
		drop(config);
		return error_set(error, -ENOMEM, "no memory");
	}
	exact_init(&server->exact);
	server->fs = config->fs;
	server->lacks = config->lacks;
	server->sync = config->sync;
	server->dirsync = config->dirsync;
	server->host = config->host;
	rescue_init(&server->rescue, look, server);
	r = workers_init(&server->workers, &workers);
	supply.n_lent = workers_n_lent(&server->workers);
	supply.n_queued = supply.n_lent ? N_QUEUED_KEPT : N_QUEUED;
	supply.n_late = supply.n_lent ? 0 : WORKERS_LATE;
	supply.n_late_filtered = supply.n_lent ? 0 : WORKERS_LATE_FILTERED;
	rs = supply_init(&server->supply, server, &supply, error);
	pool_init(&server->pool, &server->supply, &server->rescue);
	if (rs < 0)
		return rs;
	if (r == 0)
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
	if (!server)
		return NULL;
	rescue_stop(&server->rescue);
	workers_stop(&server->workers);
	pool_stop(&server->pool);
	fs_shutdown(server->fs);
	host_stop(server->host);
	server->filters = filters_free(server->filters);
	fs_free(server->fs);
	workers_fini(&server->workers);
	host_free(server->host);
	pool_fini(&server->pool);
	rescue_fini(&server->rescue);
	supply_fini(&server->supply);
	trace_free(server->trace);
	exact_fini(&server->exact);
	free(server);
	return NULL;
}

int server_begin_error(struct server *server)
{
	return server->workers.begin_error;
}

bool server_syncs(const struct server *server, uint32_t opcode)
{
	const struct op *op = op_find(opcode);

	/* An open may cut a file off. */
	if (opcode == FUSE_OPEN)
		return server->sync;
	return (op->flags & OP_CHANGES) && (server->sync || (server->dirsync && op->n_entries));
}

uint64_t server_lacks(const struct server *server)
{
	return server->lacks;
}

bool server_stopping(struct server *server)
{
	return server->workers.stop;
}

struct trace *server_trace(struct server *server)
{
	return server->trace;
}

struct filters *server_filters(struct server *server)
{
	return server->filters;
}

struct exact *server_exact(struct server *server)
{
	return &server->exact;
}

struct fs *server_fs(struct server *server)
{
	return server->fs;
}

struct inside *server_inside(struct server *server)
{
	return host_inside(server->host);
}

struct notifier *server_notifier(struct server *server)
{
	return host_notifier(server->host);
}

void server_changed(struct server *server, uint64_t nodeid)
{
	struct node *node = fs_node(server->fs, nodeid);

	if (!node)
		return;
	fs_changed(server->fs, node);
	fs_node_put(server->fs, node);
}

void server_fs_stat(struct server *server, struct fs_stat *ret_stat)
{
	fs_stat(server->fs, ret_stat);
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
