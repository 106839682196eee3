// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/forget-programs.h"
#include "filter/call-fill.h"
#include "filter/run-program.h"
#include "server/request-pool.h"

#include <pthread.h>

void forget_programs_init(struct forget_programs *forget, struct request_pool *requests)
{
	forget->requests = requests;
	forget->req = NULL;
	pthread_mutex_init(&forget->lock, NULL);
}

void forget_programs_fini(struct forget_programs *forget)
{
	if (forget->req)
		request_pool_return(forget->requests, forget->req);
	pthread_mutex_destroy(&forget->lock);
}

void forget_programs_prepare(struct forget_programs *forget)
{
	pthread_mutex_lock(&forget->lock);
	if (!forget->req) {
		forget->req = request_pool_borrow(forget->requests, true);
		/* A change of filters must not wait for this request. */
		req_leave_chain(forget->req);
	}
	pthread_mutex_unlock(&forget->lock);
}

static void run(struct req *req, struct node *node, uint64_t asked)
{
	struct filter_call *call = &req->call;
	const struct chain *chain = req->chain;

	call_begin(call, chain, FUSE_FORGET);
	call->filters = asked;
	call_fill_forgotten(call, &node->filter);
	for (unsigned int i = chain->n; i-- > 0;)
		if (asked >> chain->entries[i]->bit & 1)
			run_program(call, chain->entries[i], FILTER_POST);
	call_begin(call, NULL, 0);
}

void forget_programs_run(struct forget_programs *forget, struct node *node)
{
	struct chain *chain;
	uint64_t asked;

	pthread_mutex_lock(&forget->lock);
	if (forget->req) {
		chain = req_enter_chain(forget->req);
		asked = chain ? chain->post[FUSE_FORGET] & node_filters(node) : 0;
		if (asked)
			run(forget->req, node, asked);
		req_leave_chain(forget->req);
	}
	pthread_mutex_unlock(&forget->lock);
}
