/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Allocator of struct req: a fixed number of requests, some of which belong to transports that own
 * slots. When all are in use a thread waits for a request, or goes on without one.
 *
 * Any thread may call these functions. The lock is innermost: no other is taken under it.
 */
#include "ebpf/filter.h"
#include "request/req.h"

/*
 * With io_uring, the number of requests for locks that wait; with filters, there may be fewer: half
 * of those that transports get later.
 */
#define REQUEST_POOL_FOR_LOCKS 128

struct request_pool_config {
	unsigned int n_threads;          /* requests that threads work on */
	unsigned int n_queued[2];        /* ... in the queue of the pool; [1]: with filters */
	unsigned int n_extra_threads[2]; /* ... of threads that start later; likewise */
	unsigned int n_given;            /* ... that transports get at the start */
	size_t data_size;
	bool filtered; /* filters reach the slots from the start */
};

struct request_pool {
	pthread_mutex_t lock;            /* guards the members below */
	pthread_cond_t home;             /* a request has been put back */
	struct request_set *_Atomic set; /* in use; lock to write */
	struct request_set *old;         /* until its requests have been put back; NULL: none */
	unsigned int n_extra;            /* requests that transports may get later */

	/* Constant. */
	unsigned int n_for_locks; /* requests of n_extra that are for locks */
	unsigned int n_givable;   /* requests that transports may ever get for other operations */
	struct request_host *host;
	struct request_pool_config config;
};

/* Returns 0, or -errno and *error. host is borrowed. */
int request_pool_init(struct request_pool *pool, struct request_host *host,
		      const struct request_pool_config *config, struct pst_error *error);
/* To be called when all requests have been put back. */
void request_pool_fini(struct request_pool *pool);

/* Takes a request. When all are in use this waits for one (wait), or returns NULL. */
struct req *request_pool_take(struct request_pool *pool, bool wait);
/* Puts a request back; takes NULL. */
void request_pool_put(struct request_pool *pool, struct req *req);
/*
 * Returns how many requests may be in the thread pool at a time. owned: for a request whose
 * transport owns slots.
 */
unsigned int request_pool_room(struct request_pool *pool, bool owned);
/* Returns true where a request belongs to the set in use. */
bool request_pool_is_current(struct request_pool *pool, const struct req *req);

/*
 * Gives a channel one more request, where it has too few. To be called before a request of the
 * channel waits: for_lock, for a lock, else in the thread pool. Returns true where requests can
 * still arrive by the channel.
 */
bool request_pool_feed(struct request_pool *pool, struct chan *chan, bool for_lock);
/* Takes a request of those that transports get later; NULL: there are no more. */
struct req *request_pool_take_extra(struct request_pool *pool, bool for_lock);

/* Returns true where the memory of requests lies in a BPF map, so that filters reach it. */
bool request_pool_in_map(struct request_pool *pool);
/*
 * Sets *ret_slots to the memory that filters reach. The first call replaces the set of requests.
 * Returns 0, or -errno and *error.
 */
int request_pool_slots(struct request_pool *pool, const struct filter_slots **ret_slots,
		       struct pst_error *error);
/*
 * Waits until no request runs under this chain. Returns false where one still does after ms
 * milliseconds.
 */
bool request_pool_drained(struct request_pool *pool, const struct chain *chain, unsigned int ms);
/*
 * Takes a request for programs that run outside of any operation, under the chain in force. When
 * all requests are in use it waits for one (wait), or returns NULL.
 */
struct req *request_pool_borrow(struct request_pool *pool, bool wait);
void request_pool_return(struct request_pool *pool, struct req *req);
