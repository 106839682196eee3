// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/forgotten.h"
#include "filter/call-fill.h"
#include "filter/run-program.h"
#include "server/request-pool.h"

#include <pthread.h>
#include <string.h>

void forgotten_init(struct forgotten *forgotten, struct request_pool *requests)
{
	forgotten->requests = requests;
	forgotten->req = NULL;
	pthread_mutex_init(&forgotten->lock, NULL);
}

void forgotten_fini(struct forgotten *forgotten)
{
	if (forgotten->req)
		request_pool_return(forgotten->requests, forgotten->req);
	pthread_mutex_destroy(&forgotten->lock);
}

void forgotten_prepare(struct forgotten *forgotten)
{
	pthread_mutex_lock(&forgotten->lock);
	if (!forgotten->req) {
		forgotten->req = request_pool_borrow(forgotten->requests, true);
		/* A change of filters does not wait for the end of this request. */
		req_leave_chain(forgotten->req);
	}
	pthread_mutex_unlock(&forgotten->lock);
}

static void run(struct req *req, struct node *node, uint64_t asked)
{
	struct filter_call *call = &req->call;
	const struct chain *chain = req->chain;
	bool bad;

	call_begin(call, chain, FUSE_FORGET);
	call->filters = asked;
	call_fill_forgotten(call, &node->filter);
	for (unsigned int i = chain->n; i-- > 0;)
		if (asked >> chain->entries[i]->bit & 1)
			run_program(call, chain->entries[i], FILTER_POST, &bad);
	call_begin(call, NULL, 0);
}

void forgotten_run(struct forgotten *forgotten, struct node *node)
{
	struct chain *chain;
	uint64_t asked;

	pthread_mutex_lock(&forgotten->lock);
	if (forgotten->req) {
		chain = req_enter_chain(forgotten->req);
		asked = chain ? chain->post[FUSE_FORGET] & node_filters(node) : 0;
		if (asked)
			run(forgotten->req, node, asked);
		/* A change of filters does not wait for the end of this request. */
		req_leave_chain(forgotten->req);
	}
	pthread_mutex_unlock(&forgotten->lock);
}
