// SPDX-License-Identifier: LGPL-2.1-or-later
#include "request/deferred.h"

#include <stdlib.h>

struct deferred {
	struct fs_waiter waiter;
	struct chan *chan;
	struct slot *slot;
	int result;
	_Atomic int n_left;
};

/* Ends one of the two parts. The second call sends the reply and frees *deferred. */
static void deferred_end(struct deferred *deferred)
{
	struct chan_answer answer = { .unique = deferred->waiter.unique };

	if (atomic_fetch_sub(&deferred->n_left, 1) > 1)
		return;
	/* After the decrement, because the other thread may have set the result just before. */
	answer.error = deferred->result;
	deferred->chan->ops->reply(deferred->chan, deferred->slot, &answer);
	if (deferred->chan->ops->give)
		deferred->chan->ops->give(deferred->chan, deferred->slot);
	free(deferred);
}

static void deferred_done(struct fs_waiter *waiter, int result)
{
	struct deferred *deferred = (struct deferred *)waiter;

	deferred->result = result;
	deferred_end(deferred);
}

struct fs_waiter *deferred_new(struct req *req)
{
	struct deferred *deferred;

	if (req_slot_is_owned(req) && !req->host->feed(req, true))
		return NULL;
	deferred = calloc(1, sizeof(*deferred));
	if (!deferred)
		return NULL;
	deferred->waiter.done = deferred_done;
	deferred->waiter.unique = req->msg.head->unique;
	deferred->chan = req->chan;
	deferred->slot = req_home(req);
	deferred->n_left = 2;
	req->deferred = deferred;
	return &deferred->waiter;
}

void deferred_cancel(struct req *req)
{
	free(req->deferred);
	req->deferred = NULL;
}

struct req *deferred_release(struct req *req, struct deferred *deferred)
{
	struct req *free_req = req->from || !req_slot_is_owned(req) ? req : NULL;

	req->from = NULL;
	deferred_end(deferred);
	return free_req;
}
