// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/request-pool.h"
#include "request/filter-adapter.h"
#include "request/served.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

/*
 * The number of requests that channels may get after the start. There are fewer of them if address
 * space is scarce, and with filters, because the kernel allocates all memory of a BPF map when the
 * map is created.
 */
#define N_EXTRA          768
#define N_EXTRA_SMALL    128
#define N_EXTRA_FILTERED 32

/* -- sets of requests -------------------------------------------------------------------------- */

/*
 * Requests with the memory of their slots. A server begins with one set. When the first filter is
 * added to a running view, another set in a BPF map replaces it; the old set is freed when its last
 * request has been put back.
 */
struct request_set {
	unsigned int n; /* constant */
	struct req *reqs;
	struct req_saved *saved;    /* one for each request, with filters; else NULL */
	char *memory;               /* of all slots; NULL while the set is built */
	size_t size;                /* bytes of one slot */
	struct filter_slots *slots; /* owned; NULL if the slots lie in ordinary memory */
	struct req *free;           /* the pool's lock guards this and n_out */
	unsigned int n_out;         /* requests that are in use */
};

static struct request_set *set_free(struct request_set *set)
{
	if (!set)
		return NULL;
	if (set->slots)
		filter_slots_free(set->slots);
	else if (set->memory)
		munmap(set->memory, set->n * set->size);
	free(set->saved);
	for (unsigned int i = 0; set->reqs && i < set->n; i++)
		serving_free(set->reqs[i].serving);
	free(set->reqs);
	free(set);
	return NULL;
}

DEFINE_CLEANUP(struct request_set *, set_free);

/*
 * Allocates the memory of the slots, for filters if filtered is true. Returns 0, or -errno and
 * *error.
 */
static int set_map(struct request_set *set, const struct request_pool_config *config, bool filtered,
		   struct pst_error *error)
{
	void *p;
	int r;

	if (filtered) {
		r = filter_slots_new(set->n, set->size, config->run_filters, &set->slots, error);
		if (r < 0)
			return r;
		set->memory = filter_slots_memory(set->slots);
		set->saved = calloc(set->n, sizeof(*set->saved));
		return set->saved ? 0 : error_set(error, -ENOMEM, "out of memory");
	}
	p = mmap(NULL, set->n * set->size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return error_set(error, -ENOMEM, "out of memory");
	set->memory = p;
	return 0;
}

static int set_new(const struct request_pool *pool, unsigned int n, bool filtered,
		   struct request_set **ret_set, struct pst_error *error)
{
	_cleanup_(set_freep) struct request_set *set = calloc(1, sizeof(*set));
	size_t data_size = pool->config.data_size;
	int r;

	if (!set)
		return error_set(error, -ENOMEM, "out of memory");
	if (data_size < SLOT_MIN_DATA)
		data_size = SLOT_MIN_DATA;
	set->n = n;
	set->size = SLOT_DATA + (data_size + SLOT_PAGE - 1) / SLOT_PAGE * SLOT_PAGE;
	set->reqs = calloc(n, sizeof(*set->reqs));
	if (!set->reqs)
		return error_set(error, -ENOMEM, "out of memory");
	r = set_map(set, &pool->config, filtered, error);
	if (r < 0)
		return r;
	for (unsigned int i = 0; i < n; i++) {
		struct req *req = &set->reqs[i];

		req->host = pool->host;
		req->fs = pool->host->fs;
		req->set = set;
		req->saved = set->saved ? &set->saved[i] : NULL;
		req->slot = (struct slot){
			.base = set->memory + i * set->size,
			.data_size = set->size - SLOT_DATA,
			.in_map = filtered,
		};
		if (filtered)
			adapter_init(req, i);
		req->next = set->free;
		set->free = req;
	}
	*ret_set = take_ptr(set);
	return 0;
}

/* -- the pool --------------------------------------------------------------------------------- */

/* Returns the number of requests that channels never own. */
static unsigned int n_own(const struct request_pool_config *config, bool filtered)
{
	return config->n_threads + config->n_queued[filtered] + config->n_extra_threads[filtered];
}

/* Creates the first set, with n_extra requests that channels may get after the start. */
static int first_set(struct request_pool *pool, unsigned int n_extra, struct request_set **ret_set,
		     struct pst_error *error)
{
	const struct request_pool_config *config = &pool->config;

	pool->n_extra = config->n_given ? n_extra : 0;
	pool->n_for_locks = pool->n_extra / 2;
	if (pool->n_for_locks > REQUEST_POOL_FOR_LOCKS)
		pool->n_for_locks = REQUEST_POOL_FOR_LOCKS;
	pool->n_givable = config->n_given + pool->n_extra - pool->n_for_locks;
	return set_new(pool, n_own(config, config->filtered) + config->n_given + pool->n_extra,
		       config->filtered, ret_set, error);
}

int request_pool_init(struct request_pool *pool, struct request_host *host,
		      const struct request_pool_config *config, struct pst_error *error)
{
	struct request_set *set;
	int r;

	*pool = (struct request_pool){ .host = host, .config = *config };
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->home, NULL);
	r = first_set(pool, config->filtered ? N_EXTRA_FILTERED : N_EXTRA, &set, error);
	if (r == -ENOMEM && !config->filtered)
		r = first_set(pool, N_EXTRA_SMALL, &set, error);
	if (r == 0)
		pool->set = set;
	return r;
}

void request_pool_fini(struct request_pool *pool)
{
	set_free(pool->old);
	set_free(pool->set);
	pthread_cond_destroy(&pool->home);
	pthread_mutex_destroy(&pool->lock);
}

/* Takes a free request of a set, or NULL. Caller holds the lock. */
static struct req *pop(struct request_set *set)
{
	struct req *req = set->free;

	if (req) {
		set->free = req->next;
		set->n_out++;
	}
	return req;
}

/* Caller holds the lock. */
static void push(struct request_pool *pool, struct req *req)
{
	struct request_set *set = req->set;

	req->next = set->free;
	set->free = req;
	set->n_out--;
	if (set == pool->old && set->n_out == 0)
		pool->old = set_free(set);
	pthread_cond_signal(&pool->home);
}

struct req *request_pool_take(struct request_pool *pool, bool wait)
{
	struct req *req;

	pthread_mutex_lock(&pool->lock);
	while (!(req = pop(pool->set)) && wait)
		pthread_cond_wait(&pool->home, &pool->lock);
	pthread_mutex_unlock(&pool->lock);
	return req;
}

struct req *request_pool_take_spare(struct request_pool *pool)
{
	struct req *req = NULL;

	pthread_mutex_lock(&pool->lock);
	if (pool->set->free && pool->set->free->next)
		req = pop(pool->set);
	pthread_mutex_unlock(&pool->lock);
	return req;
}

unsigned int request_pool_room(struct request_pool *pool, bool owned)
{
	bool filtered = request_pool_filtered(pool) != NULL;
	unsigned int n = pool->config.n_queued[filtered];

	/* A request from a slot outside of the map has moved to one of the n requests. */
	if (owned && (!filtered || pool->n_givable < n))
		return pool->n_givable;
	return n;
}

void request_pool_put(struct request_pool *pool, struct req *req)
{
	if (!req)
		return;
	pthread_mutex_lock(&pool->lock);
	push(pool, req);
	pthread_mutex_unlock(&pool->lock);
}

bool request_pool_is_current(struct request_pool *pool, const struct req *req)
{
	return req->set == atomic_load_explicit(&pool->set, memory_order_relaxed);
}

struct req *request_pool_take_extra(struct request_pool *pool, bool for_lock)
{
	struct req *req = NULL;

	pthread_mutex_lock(&pool->lock);
	/* If there is an old set, the slots of channels lie there. */
	if (pool->n_extra > (for_lock ? 0 : pool->n_for_locks))
		req = pop(pool->old ? pool->old : pool->set);
	pool->n_extra -= req != NULL;
	pthread_mutex_unlock(&pool->lock);
	return req;
}

static void put_extra(struct request_pool *pool, struct req *req)
{
	pthread_mutex_lock(&pool->lock);
	pool->n_extra++;
	push(pool, req);
	pthread_mutex_unlock(&pool->lock);
}

bool request_pool_feed(struct request_pool *pool, struct chan *chan, bool for_lock)
{
	struct req *req;

	if (!chan->ops->wants(chan))
		return true;
	req = request_pool_take_extra(pool, for_lock);
	if (req && chan->ops->give(chan, &req->slot) == 0)
		return true;
	if (req)
		put_extra(pool, req);
	return false;
}

const struct filter_slots *request_pool_filtered(struct request_pool *pool)
{
	return atomic_load_explicit(&pool->set, memory_order_acquire)->slots;
}

int request_pool_slots(struct request_pool *pool, const struct filter_slots **ret_slots,
		       struct pst_error *error)
{
	struct request_set *set = pool->set, *new;
	int r;

	if (!set->slots) {
		r = set_new(pool, n_own(&pool->config, true), true, &new, error);
		if (r < 0)
			return r;
		pthread_mutex_lock(&pool->lock);
		pool->old = set;
		pool->set = new;
		if (set->n_out == 0)
			pool->old = set_free(set);
		pthread_mutex_unlock(&pool->lock);
		set = new;
	}
	*ret_slots = set->slots;
	return 0;
}

static enum chain_use set_use(const struct request_set *set, const struct chain *chain)
{
	enum chain_use use = CHAIN_UNUSED;

	for (unsigned int i = 0; set && i < set->n; i++) {
		const struct req *req = &set->reqs[i];
		/* Read before begun and chain, which do not change when the request wakes. */
		bool asleep = req->asleep;

		if (!req->begun || req->chain != chain)
			continue;
		if (!asleep)
			return CHAIN_RUNS;
		use = CHAIN_ASLEEP;
	}
	return use;
}

enum chain_use request_pool_use(struct request_pool *pool, const struct chain *chain)
{
	enum chain_use use, old;

	pthread_mutex_lock(&pool->lock);
	use = set_use(pool->set, chain);
	old = set_use(pool->old, chain);
	pthread_mutex_unlock(&pool->lock);
	return old > use ? old : use;
}

enum chain_use request_pool_drain(struct request_pool *pool, const struct chain *chain,
				  unsigned int ms)
{
	struct timespec pause = { .tv_nsec = 1000000 };
	enum chain_use use;

	for (unsigned int i = 0; (use = request_pool_use(pool, chain)) == CHAIN_RUNS && i < ms; i++)
		nanosleep(&pause, NULL);
	return use;
}

struct req *request_pool_borrow(struct request_pool *pool, bool wait)
{
	struct req *req = request_pool_take(pool, wait);

	if (req)
		req_enter_chain(req);
	return req;
}

void request_pool_return(struct request_pool *pool, struct req *req)
{
	req_clear(req);
	req_leave_chain(req);
	request_pool_put(pool, req);
}
