/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Allocator of struct req: a fixed number of requests, some of which are given to transports that
 * own their slots. When all are in use a thread waits for a request, or goes on without.
 *
 * Any thread may call these functions. The lock is innermost: no other is taken under it.
 */
#include "ebpf/filter.h"
#include "request/req.h"

/*
 * With io_uring, the requests for locks that wait; with filters at most half of the few extra ones.
 */
#define REQUEST_POOL_FOR_LOCKS 128

struct request_pool_config {
	unsigned int n_threads;       /* requests that threads have in their hands */
	unsigned int n_queued;        /* ... that are in the thread pool */
	unsigned int n_extra_threads; /* ... of threads that are started later */
	/* ... likewise, where filters reach the slots */
	unsigned int n_queued_filtered, n_extra_threads_filtered;
	unsigned int n_given; /* ... that transports get at the start */
	size_t data_size;
	bool filtered; /* filters reach the slots */
};

struct request_pool {
	pthread_mutex_t lock;            /* guards what follows */
	pthread_cond_t home;             /* a request has been put back */
	struct request_set *_Atomic set; /* in use; lock to write */
	struct request_set *old;         /* until its requests have been put back; NULL: none */
	unsigned int n_extra;            /* requests that transports may yet get */

	unsigned int n_for_locks; /* constant, as what follows: of the extra ones, those
					   for locks */
	unsigned int n_givable;   /* requests that transports may get, without those for locks */
	struct request_host *host;
	struct request_pool_config config;
};

/* Returns 0, or -errno and *error. host is borrowed. */
int request_pool_init(struct request_pool *pool, struct request_host *host,
		      const struct request_pool_config *config, struct pst_error *error);
/* To be called when all requests have been put back. */
void request_pool_fini(struct request_pool *pool);

/* Takes a request; waits for one. Puts back the request instead, unless that is NULL. */
struct req *request_pool_take(struct request_pool *pool, struct req *instead);
/* Takes a request; NULL: all are in use. */
struct req *request_pool_try_take(struct request_pool *pool);
/* Puts a request back; takes NULL. */
void request_pool_put(struct request_pool *pool, struct req *req);
/* Returns how many requests may be in the thread pool; owned: those whose transport owns slots. */
unsigned int request_pool_room(struct request_pool *pool, bool owned);
/* Returns true where a request that a thread has belongs to the set in use. */
bool request_pool_is_current(struct request_pool *pool, const struct req *req);

/*
 * A request is about to wait, for a lock or in the thread pool: gives its channel another one,
 * where that has too few. Returns true where others can still come in by the channel.
 */
bool request_pool_feed(struct request_pool *pool, struct chan *chan, bool for_lock);
/* Takes an extra request, for a channel that is new; NULL: there are no more. */
struct req *request_pool_take_extra(struct request_pool *pool);

/* Returns true where filters reach the memory of requests: it lies in a BPF map. */
bool request_pool_in_map(struct request_pool *pool);
/*
 * Returns in *ret_slots the memory that filters reach. The first call replaces the set of requests.
 * 0, or -errno and *error.
 */
int request_pool_slots(struct request_pool *pool, const struct filter_slots **ret_slots,
		       struct pst_error *error);
/*
 * Waits until no request runs under this chain; false when some still do after so many
 * milliseconds.
 */
bool request_pool_drained(struct request_pool *pool, const struct chain *chain, unsigned int ms);
/*
 * Takes a request for programs that run outside of any operation, under the chain in force. When
 * all are in use it waits for one, or returns NULL.
 */
struct req *request_pool_borrow(struct request_pool *pool, bool wait);
void request_pool_return(struct request_pool *pool, struct req *req);
