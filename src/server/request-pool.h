/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Allocator of struct req. It has a fixed number of requests; with io_uring, some of them belong to
 * channels. When all are in use, a thread waits for a request, or goes on without one.
 *
 * The kernel allocates all memory of a BPF map when the map is created. So views with filters have
 * few requests there, and requests that may wait for long move to ordinary memory meanwhile.
 *
 * Any thread may call these functions. No other lock is taken under pool->lock.
 */
#include "ebpf/filter.h"
#include "request/req.h"

/*
 * With io_uring, the number of requests that may wait for locks; less if address space is scarce.
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
	pthread_mutex_t lock; /* guards the members below */
	pthread_cond_t home;  /* a request has been put back */
	/*
	 * The requests that threads receive into; written under lock. With filters their slots lie
	 * in a BPF map, else it is plain.
	 */
	struct request_set *_Atomic set;
	unsigned int n_extra; /* requests that channels may still get */
	/* The members below are constant. */
	struct request_set *plain; /* requests in ordinary memory */
	unsigned int n_for_locks;  /* requests of n_extra that are reserved for locks */
	unsigned int n_givable;    /* requests that channels may ever get for other operations */
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
 * Returns how many requests may be in the thread pool at the same time whose slots are of the same
 * kind as that of this request: req_has_pool_slot().
 */
unsigned int request_pool_room(struct request_pool *pool, const struct req *req);
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

/*
 * Moves a request from its slot in the BPF map to ordinary memory, which is not scarce, because it
 * may wait for long. Does nothing for a slot of a channel, and if no memory is left.
 */
void request_pool_move_out(struct request_pool *pool, struct req *req);
/* Moves a request back to the BPF map. Waits for a slot, which others have for a short time. */
void request_pool_move_in(struct request_pool *pool, struct req *req);

/* Returns the slots if filters can access them, else NULL. The pool owns them until its end. */
const struct filter_slots *request_pool_filtered(struct request_pool *pool);
/*
 * Sets *ret_slots to the slots, which the pool owns. From the first call on, threads receive into
 * requests that filters can access. Returns 0, or -errno and *error.
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
