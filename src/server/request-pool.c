// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/request-pool.h"

#include <errno.h>
#include <time.h>

/*
 * Requests to lend beyond the first ones; where there is less address space; and with filters, whose
 * memory is all there from the start. Of them those for locks that wait, but half of them at most.
 */
#define N_MORE 768
#define N_MORE_SMALL 128
#define N_MORE_FILTERED 32

/* Requests that are never lent. */
static unsigned int n_own(const struct supply *supply, bool filtered)
{
	const struct supply_config *config = &supply->config;

	return config->n_threads + (filtered ? config->n_queued_filtered + config->n_late_filtered :
					       config->n_queued + config->n_late);
}

/* The set of the start, with so many requests to lend beyond the first ones. */
static int first_set(struct supply *supply, unsigned int n_more, struct reqset **ret_set,
		     struct pst_error *error)
{
	const struct supply_config *config = &supply->config;

	supply->n_more = config->n_lent ? n_more : 0;
	supply->n_for_locks = supply->n_more / 2 < SUPPLY_FOR_LOCKS ? supply->n_more / 2 : SUPPLY_FOR_LOCKS;
	supply->n_lendable = config->n_lent + supply->n_more - supply->n_for_locks;
	return reqset_new(supply->host,
			  n_own(supply, config->filtered) + config->n_lent + supply->n_more,
			  config->data_size, config->filtered, ret_set, error);
}

int supply_init(struct supply *supply, struct request_host *host,
		const struct supply_config *config, struct pst_error *error)
{
	struct reqset *set;
	int r;

	*supply = (struct supply){
		.host = host,
		.config = *config,
	};
	pthread_mutex_init(&supply->lock, NULL);
	pthread_cond_init(&supply->home, NULL);
	r = first_set(supply, config->filtered ? N_MORE_FILTERED : N_MORE, &set, error);
	if (r == -ENOMEM && !config->filtered)
		r = first_set(supply, N_MORE_SMALL, &set, error);
	if (r == 0)
		supply->set = set;
	return r;
}

void supply_fini(struct supply *supply)
{
	reqset_free(supply->old);
	reqset_free(supply->set);
	pthread_cond_destroy(&supply->home);
	pthread_mutex_destroy(&supply->lock);
}

/* Of a set. Caller holds the lock. */
static struct req *pop(struct reqset *set)
{
	struct req *req = set->free;

	if (req) {
		set->free = req->next;
		set->n_out++;
	}
	return req;
}

/* Caller holds the lock. */
static void push(struct supply *supply, struct req *req)
{
	struct reqset *set = req->set;

	req->next = set->free;
	set->free = req;
	set->n_out--;
	if (set == supply->old && set->n_out == 0)
		supply->old = reqset_free(set);
	pthread_cond_signal(&supply->home);
}

struct req *supply_take(struct supply *supply, struct req *instead)
{
	struct req *req;

	pthread_mutex_lock(&supply->lock);
	while (!(req = pop(supply->set)))
		pthread_cond_wait(&supply->home, &supply->lock);
	if (instead)
		push(supply, instead);
	pthread_mutex_unlock(&supply->lock);
	return req;
}

struct req *supply_try(struct supply *supply)
{
	struct req *req;

	pthread_mutex_lock(&supply->lock);
	req = pop(supply->set);
	pthread_mutex_unlock(&supply->lock);
	return req;
}

unsigned int supply_room(struct supply *supply, bool kept)
{
	bool filtered = supply_filtered(supply);
	unsigned int n = filtered ? supply->config.n_queued_filtered : supply->config.n_queued;

	/* A request that came before its memory could be reached by filters has moved to one of ours. */
	if (kept && (!filtered || supply->n_lendable < n))
		return supply->n_lendable;
	return n;
}

void supply_put(struct supply *supply, struct req *req)
{
	if (!req)
		return;
	pthread_mutex_lock(&supply->lock);
	push(supply, req);
	pthread_mutex_unlock(&supply->lock);
}

bool supply_current(struct supply *supply, const struct req *req)
{
	return req->set == atomic_load_explicit(&supply->set, memory_order_relaxed);
}

/* One to lend, NULL when there are no more: of the set that is in no other use, where there are two. */
static struct req *more(struct supply *supply, bool for_lock)
{
	struct req *req = NULL;

	pthread_mutex_lock(&supply->lock);
	if (supply->n_more > (for_lock ? 0 : supply->n_for_locks))
		req = pop(supply->old ? supply->old : supply->set);
	supply->n_more -= req != NULL;
	pthread_mutex_unlock(&supply->lock);
	return req;
}

static void no_more(struct supply *supply, struct req *req)
{
	pthread_mutex_lock(&supply->lock);
	supply->n_more++;
	push(supply, req);
	pthread_mutex_unlock(&supply->lock);
}

struct req *supply_more(struct supply *supply)
{
	return more(supply, false);
}

bool supply_feed(struct supply *supply, struct chan *chan, bool for_lock)
{
	struct req *req;

	if (!chan->ops->wants(chan))
		return true;
	req = more(supply, for_lock);
	if (req && chan->ops->lend(chan, &req->slot) == 0)
		return true;
	if (req)
		no_more(supply, req);
	return false;
}

bool supply_filtered(struct supply *supply)
{
	return atomic_load_explicit(&supply->set, memory_order_acquire)->slots;
}

int supply_slots(struct supply *supply, const struct filter_slots **ret_slots,
		 struct pst_error *error)
{
	struct reqset *set = supply->set, *new;
	int r;

	if (!set->slots) {
		r = reqset_new(supply->host, n_own(supply, true), supply->config.data_size, true, &new,
			       error);
		if (r < 0)
			return r;
		pthread_mutex_lock(&supply->lock);
		supply->old = set;
		supply->set = new;
		if (set->n_out == 0)
			supply->old = reqset_free(set);
		pthread_mutex_unlock(&supply->lock);
		set = new;
	}
	*ret_slots = set->slots;
	return 0;
}

static bool set_has(const struct reqset *set, const struct chain *chain)
{
	for (unsigned int i = 0; set && i < set->n; i++)
		if (set->reqs[i].begun && set->reqs[i].chain == chain)
			return true;
	return false;
}

static bool has_chain(struct supply *supply, const struct chain *chain)
{
	bool has;

	pthread_mutex_lock(&supply->lock);
	has = set_has(supply->set, chain) || set_has(supply->old, chain);
	pthread_mutex_unlock(&supply->lock);
	return has;
}

bool supply_drained(struct supply *supply, const struct chain *chain, unsigned int ms)
{
	struct timespec pause = { .tv_nsec = 1000000 };
	bool busy = has_chain(supply, chain);

	for (unsigned int i = 0; i < ms && busy; i++) {
		nanosleep(&pause, NULL);
		busy = has_chain(supply, chain);
	}
	return !busy;
}

struct req *supply_borrow(struct supply *supply, bool wait)
{
	struct req *req = wait ? supply_take(supply, NULL) : supply_try(supply);

	if (req)
		req_enter_chain(req);
	return req;
}

void supply_return(struct supply *supply, struct req *req)
{
	req_clear(req);
	req_leave_chain(req);
	supply_put(supply, req);
}
