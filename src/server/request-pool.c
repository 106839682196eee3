// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/request-pool.h"
#include "request/exchange.h"
#include "request/filter-adapter.h"
#include "request/served.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

/*
 * The number of requests that channels may get after the start, and of requests that may be asleep.
 * There are fewer of them if address space is scarce.
 */
#define N_EXTRA       768
#define N_EXTRA_SMALL 128
/*
 * Slots in the BPF map that only requests get which were asleep. They hold them for the programs
 * after the operation, and wait for no other request meanwhile.
 */
#define N_FOR_AWAKE 8

/* -- sets of requests -------------------------------------------------------------------------- */

/*
 * Requests with the memory of their slots: ordinary memory, or a BPF map that filters can access.
 * The memory of a request can be exchanged for that of another set. Requests are prepared when
 * they are first used.
 */
struct request_set {
	unsigned int n, n_reserved; /* constant */
	struct req *reqs;
	struct req_saved *saved;    /* one for each request, with filters; else NULL */
	char *memory;               /* of all slots; NULL while the set is built */
	size_t size;                /* bytes of one slot */
	struct filter_slots *slots; /* owned; NULL if the slots lie in ordinary memory */
	/* The pool's lock guards the members below. */
	struct req *free;
	unsigned int n_used; /* requests that have been in use, the first ones of reqs */
	unsigned int n_out;  /* requests that are in use */
};

static struct request_set *set_free(struct request_set *set)
{
	if (!set)
		return NULL;
	if (set->slots)
		filter_slots_free(set->slots);
	else if (set->memory)
		munmap(set->memory, set->n * set->size);
	for (unsigned int i = 0; set->reqs && i < set->n_used; i++) {
		serving_free(set->reqs[i].serving);
		if (!set->saved)
			free(set->reqs[i].saved);
	}
	free(set->saved);
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
	set->n_reserved = filtered ? N_FOR_AWAKE : 0;
	set->size = SLOT_DATA + (data_size + SLOT_PAGE - 1) / SLOT_PAGE * SLOT_PAGE;
	set->reqs = calloc(n, sizeof(*set->reqs));
	if (!set->reqs)
		return error_set(error, -ENOMEM, "out of memory");
	r = set_map(set, &pool->config, filtered, error);
	if (r < 0)
		return r;
	*ret_set = take_ptr(set);
	return 0;
}

/* Prepares the next request that has never been used. */
static struct req *use_next(struct request_pool *pool, struct request_set *set)
{
	unsigned int i = set->n_used++;
	struct req *req = &set->reqs[i];

	req->host = pool->host;
	req->fs = pool->host->fs;
	req->set = set;
	req->saved = set->saved ? &set->saved[i] : NULL;
	req->slot = (struct slot){
		.base = set->memory + i * set->size,
		.data_size = set->size - SLOT_DATA,
		.in_map = set->slots,
	};
	if (set->slots)
		adapter_init(req, i);
	return req;
}

/* -- the pool --------------------------------------------------------------------------------- */

/* Returns the number of requests that channels never own. */
static unsigned int n_own(const struct request_pool_config *config, bool filtered)
{
	return config->n_threads + config->n_queued[filtered] + config->n_extra_threads[filtered] +
	       (filtered ? N_FOR_AWAKE : 0);
}

/*
 * Creates the set in ordinary memory. Channels may get n_extra of its requests after the start, and
 * n_extra may be asleep.
 */
static int first_set(struct request_pool *pool, unsigned int n_extra, struct pst_error *error)
{
	const struct request_pool_config *config = &pool->config;
	unsigned int n_given = config->filtered ? 0 : config->n_given;

	pool->n_extra = config->n_given ? n_extra : 0;
	pool->n_for_locks = pool->n_extra / 2;
	if (pool->n_for_locks > REQUEST_POOL_FOR_LOCKS)
		pool->n_for_locks = REQUEST_POOL_FOR_LOCKS;
	pool->n_givable = config->n_given + pool->n_extra - pool->n_for_locks;
	pool->host->asleep.n = config->n_given ? pool->n_extra - pool->n_for_locks : n_extra;
	return set_new(pool, n_own(config, false) + n_given + pool->n_extra + n_extra, false,
		       &pool->plain, error);
}

int request_pool_init(struct request_pool *pool, struct request_host *host,
		      const struct request_pool_config *config, struct pst_error *error)
{
	const struct filter_slots *slots;
	int r;

	*pool = (struct request_pool){ .host = host, .config = *config };
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->home, NULL);
	r = first_set(pool, N_EXTRA, error);
	if (r == -ENOMEM)
		r = first_set(pool, N_EXTRA_SMALL, error);
	if (r < 0)
		return r;
	pool->set = pool->plain;
	return config->filtered ? request_pool_slots(pool, &slots, error) : 0;
}

void request_pool_fini(struct request_pool *pool)
{
	if (pool->set != pool->plain)
		set_free(pool->set);
	set_free(pool->plain);
	pthread_cond_destroy(&pool->home);
	pthread_mutex_destroy(&pool->lock);
}

/* Takes a free request of a set; NULL if no more than n_left are left. Caller holds the lock. */
static struct req *pop(struct request_pool *pool, struct request_set *set, unsigned int n_left)
{
	struct req *req = set->free;

	if (set->n - set->n_out <= n_left)
		return NULL;
	if (req)
		set->free = req->next;
	else
		req = use_next(pool, set);
	set->n_out++;
	return req;
}

/* Caller holds the lock. */
static void push(struct request_pool *pool, struct req *req)
{
	struct request_set *set = req->set;

	req->next = set->free;
	set->free = req;
	set->n_out--;
	/* Some threads wait for a request that is not reserved. */
	pthread_cond_broadcast(&pool->home);
}

/* Takes a request that is not reserved; NULL if no more than n_left are left. */
static struct req *take(struct request_pool *pool, unsigned int n_left)
{
	struct request_set *set = pool->set;

	return pop(pool, set, set->n_reserved + n_left);
}

struct req *request_pool_take(struct request_pool *pool, bool wait)
{
	struct req *req;

	pthread_mutex_lock(&pool->lock);
	while (!(req = take(pool, 0)) && wait)
		pthread_cond_wait(&pool->home, &pool->lock);
	pthread_mutex_unlock(&pool->lock);
	return req;
}

struct req *request_pool_take_spare(struct request_pool *pool)
{
	struct req *req;

	pthread_mutex_lock(&pool->lock);
	req = take(pool, 1);
	pthread_mutex_unlock(&pool->lock);
	return req;
}

unsigned int request_pool_room(struct request_pool *pool, const struct req *req)
{
	if (req_has_pool_slot(req))
		return pool->config.n_queued[true];
	return req_slot_is_owned(req) ? pool->n_givable : pool->config.n_queued[false];
}

/*
 * Frees the memory of data of a request that was asleep: many may have been, each with a write of
 * the greatest size.
 */
static void free_data(struct req *req)
{
	if (!req->slot.in_map)
		madvise(slot_data(&req->slot) + SLOT_KEPT, req->slot.data_size - SLOT_KEPT,
			MADV_DONTNEED);
	req->large = false;
}

void request_pool_put(struct request_pool *pool, struct req *req)
{
	if (!req)
		return;
	if (req->large)
		free_data(req);
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
	if (pool->n_extra > (for_lock ? 0 : pool->n_for_locks))
		req = pop(pool, pool->plain, 0);
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

void request_pool_move_out(struct request_pool *pool, struct req *req)
{
	struct req *other;

	if (!req_has_pool_slot(req))
		return;
	pthread_mutex_lock(&pool->lock);
	other = pop(pool, pool->plain, 0);
	pthread_mutex_unlock(&pool->lock);
	if (other && !other->saved)
		other->saved = calloc(1, sizeof(*other->saved));
	if (other && other->saved)
		exchange_memory(req, other);
	request_pool_put(pool, other);
}

void request_pool_move_in(struct request_pool *pool, struct req *req)
{
	struct req *other;

	pthread_mutex_lock(&pool->lock);
	while (!(other = pop(pool, pool->set, 0)))
		pthread_cond_wait(&pool->home, &pool->lock);
	pthread_mutex_unlock(&pool->lock);
	exchange_memory(req, other);
	request_pool_put(pool, other);
}

const struct filter_slots *request_pool_filtered(struct request_pool *pool)
{
	return atomic_load_explicit(&pool->set, memory_order_acquire)->slots;
}

int request_pool_slots(struct request_pool *pool, const struct filter_slots **ret_slots,
		       struct pst_error *error)
{
	unsigned int n_given = pool->config.filtered ? pool->config.n_given : 0;
	struct request_set *set = pool->set;
	int r;

	if (!set->slots) {
		r = set_new(pool, n_own(&pool->config, true) + n_given, true, &set, error);
		if (r < 0)
			return r;
		pthread_mutex_lock(&pool->lock);
		pool->set = set;
		pthread_mutex_unlock(&pool->lock);
	}
	*ret_slots = set->slots;
	return 0;
}

static enum chain_use set_use(const struct request_set *set, const struct chain *chain)
{
	enum chain_use use = CHAIN_UNUSED;

	for (unsigned int i = 0; i < set->n_used; i++) {
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
	enum chain_use use, plain;

	pthread_mutex_lock(&pool->lock);
	use = set_use(pool->set, chain);
	plain = set_use(pool->plain, chain);
	pthread_mutex_unlock(&pool->lock);
	return plain > use ? plain : use;
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
