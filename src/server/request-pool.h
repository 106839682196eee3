/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Allocator of struct req. It has a fixed number of requests; with io_uring, some of them belong to
 * channels. When all are in use, a thread waits for a request, or goes on without one.
 *
 * Any thread may call these functions. No other lock is taken under pool->lock.
 */
#include "ebpf/filter.h"
#include "request/req.h"

/*
 * With io_uring, the number of requests that may wait for locks. With filters it may be smaller:
 * half of n_extra.
 */
#define REQUEST_POOL_FOR_LOCKS 128

struct request_pool_config {
	unsigned int n_threads;          /* requests for the threads of the start */
	unsigned int n_queued[2];        /* requests for the pool's queue; [1] with filters */
	unsigned int n_extra_threads[2]; /* requests for extra workers; [1] with filters */
	unsigned int n_given;            /* requests that channels get at the start */
	size_t data_size;
	bool filtered; /* the mount has filters, so they can access slots from the start */
	enum pst_run_filters run_filters;
};

struct request_pool {
	pthread_mutex_t lock;            /* guards the members below */
	pthread_cond_t home;             /* a request has been put back */
	struct request_set *_Atomic set; /* in use; written under lock */
	struct request_set *old; /* the set before, until all its requests are back; or NULL */
	unsigned int n_extra;    /* requests that channels may still get */
	/* The members below are constant. */
	unsigned int n_for_locks; /* requests of n_extra that are reserved for locks */
	unsigned int n_givable;   /* requests that channels may ever get for other operations */
	struct request_host *host;
	struct request_pool_config config;
};

/*
 * Allocates the requests. Borrows host, copies *config. Returns 0, or -errno and *error; the caller
 * calls request_pool_fini() in both cases.
 */
int request_pool_init(struct request_pool *pool, struct request_host *host,
		      const struct request_pool_config *config, struct pst_error *error);
/* Frees all requests, which must have been put back. */
void request_pool_fini(struct request_pool *pool);

/* Takes a request. If all are in use, waits for one if wait is true, else returns NULL. */
struct req *request_pool_take(struct request_pool *pool, bool wait);
/*
 * Takes a request for a thread that leaves its own to another thread or to the program. Returns
 * NULL if only one is left: a change of filters needs it.
 */
struct req *request_pool_take_spare(struct request_pool *pool);
/* Puts a request back. Accepts NULL. */
void request_pool_put(struct request_pool *pool, struct req *req);
/*
 * Returns how many requests may be in the thread pool at the same time. owned is true for a request
 * whose slot belongs to a channel.
 */
unsigned int request_pool_room(struct request_pool *pool, bool owned);
/* Returns true if a request belongs to the set in use. */
bool request_pool_is_current(struct request_pool *pool, const struct req *req);

/*
 * Gives a channel one more request if the channel has no slot for the next one. The caller calls
 * this before a request of the channel waits: for a lock if for_lock is true, else in the thread
 * pool. Returns false if no request could be given, and so none could arrive until another one has
 * been served.
 */
bool request_pool_feed(struct request_pool *pool, struct chan *chan, bool for_lock);
/* Takes one of the n_extra requests, for a lock or another use; NULL if there are no more. */
struct req *request_pool_take_extra(struct request_pool *pool, bool for_lock);

/* Returns the slots if filters can access them, else NULL. The pool owns them until its end. */
const struct filter_slots *request_pool_filtered(struct request_pool *pool);
/*
 * Sets *ret_slots to the slots, which the pool owns. The first call replaces the set of requests by
 * one that filters can access. Returns 0, or -errno and *error.
 */
int request_pool_slots(struct request_pool *pool, const struct filter_slots **ret_slots,
		       struct pst_error *error);
/* The requests under a chain. */
enum chain_use {
	CHAIN_UNUSED,
	CHAIN_ASLEEP, /* those that are left are asleep */
	CHAIN_RUNS,
};
enum chain_use request_pool_use(struct request_pool *pool, const struct chain *chain);
/*
 * Waits until no request runs under this chain, but not for those that are asleep. Returns
 * CHAIN_RUNS if one still does after ms milliseconds.
 */
enum chain_use request_pool_drain(struct request_pool *pool, const struct chain *chain,
				  unsigned int ms);
/*
 * Takes a request for programs that run outside of any operation, under the chain in force. If all
 * requests are in use, waits for one if wait is true, else returns NULL. request_pool_return() puts
 * the request back.
 */
struct req *request_pool_borrow(struct request_pool *pool, bool wait);
void request_pool_return(struct request_pool *pool, struct req *req);
