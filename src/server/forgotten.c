// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/forgotten.h"
#include "filter/chain.h"
#include "filter/call.h"
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
	const struct chain *chain = req->chain;
	struct fuse_in_header head = { .opcode = FUSE_FORGET, .nodeid = node->id };
	bool failed;

	req->msg = (struct wire_msg){ .op = op_find(FUSE_FORGET), .head = &head };
	req->filters = asked;
	/* For its cells alone: whoever takes a reference now would bring it back to life. */
	req->dir = node;
	frame_forgotten(req, node);
	for (unsigned int i = chain->n; i-- > 0;)
		if (asked >> chain->links[i]->bit & 1)
			program_run(req, chain->links[i], FILTER_POST, &failed);
	req_clear(req);
}

void forgotten_run(struct forgotten *forgotten, struct node *node)
{
	struct chain *chain;

	pthread_mutex_lock(&forgotten->lock);
	if (forgotten->req) {
		chain = req_enter_chain(forgotten->req);
		if (chain && (chain->post[FUSE_FORGET] & node->filters))
			run(forgotten->req, node, chain->post[FUSE_FORGET] & node->filters);
		/* A change of filters does not wait for the end of this request. */
		req_leave_chain(forgotten->req);
	}
	pthread_mutex_unlock(&forgotten->lock);
}
