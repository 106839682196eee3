/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The supply of requests: who has one, who gets one, and which are lent to transports that keep slots.
 * There is a fixed number (server/request-set.h): when all are in use, whoever wants one waits or does without.
 *
 * All functions may be called from any thread. lock is the innermost of core/.
 */
#include "request/req.h"
#include "server/request-set.h"

/* Requests for locks that wait, with io_uring; with filters half of the few that can be lent. */
#define SUPPLY_FOR_LOCKS 128

struct supply_config {
	unsigned int n_threads;	/* requests that threads have in their hands */
	unsigned int n_queued;	/* ... that are in the pool */
	unsigned int n_late;	/* ... that threads have which are started later */
	unsigned int n_queued_filtered, n_late_filtered; /* ... likewise, where filters can reach the slots */
	unsigned int n_lent;	/* ... that transports get at the start */
	size_t data_size;
	bool filtered; /* filters can reach the slots */
};

struct supply {
	pthread_mutex_t lock;	    /* guards what follows */
	pthread_cond_t home;	    /* a request has come home */
	struct reqset *_Atomic set; /* in use; lock to write */
	struct reqset *old;	    /* until its requests have come home; NULL: none */
	unsigned int n_more;	    /* requests that may yet be lent */
	unsigned int n_for_locks;   /* constant: of these, those kept for locks */

	struct request_host *host; /* constant, as what follows */
	struct supply_config config; /* constant */
	unsigned int n_lendable; /* requests that transports may get, but for those for locks */
};

int supply_init(struct supply *supply, struct request_host *host,
		const struct supply_config *config, struct pst_error *error);
/* All requests have come home. */
void supply_fini(struct supply *supply);

/* Waits for a request, in the place of one that the caller has (or NULL). */
struct req *supply_take(struct supply *supply, struct req *instead);
/* NULL: all are in use. */
struct req *supply_try(struct supply *supply);
/* How many requests may be in the pool at a time; kept: those whose transport keeps slots. */
unsigned int supply_room(struct supply *supply, bool kept);
/* NULL is fine. */
void supply_put(struct supply *supply, struct req *req);
/* Whether a request that a thread has is still one of those in use. */
bool supply_current(struct supply *supply, const struct req *req);

/*
 * A request is about to wait, for a lock or in the pool: lends its channel another one, where that has
 * too few. true when others can still come in by the channel.
 */
bool supply_feed(struct supply *supply, struct chan *chan, bool for_lock);

/* One more to lend, for a channel that is new; NULL: there are no more. */
struct req *supply_more(struct supply *supply);

/* Whether filters can reach the memory of requests. */
bool supply_filtered(struct supply *supply);
/* Memory that filters can reach; the first time it takes the place of what there was. */
int supply_slots(struct supply *supply, const struct filter_slots **ret_slots,
		 struct pst_error *error);
/* Waits until no request runs under this chain; false when some still do after so long. */
bool supply_drained(struct supply *supply, const struct chain *chain, unsigned int ms);
/*
 * A request of our own, under the chain in force, for programs that run outside of any. When all are
 * in use it waits for one, or is NULL.
 */
struct req *supply_borrow(struct supply *supply, bool wait);
void supply_return(struct supply *supply, struct req *req);
