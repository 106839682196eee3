// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Requests that are done with: the slot goes back to where it came from, now or when the answer is
 * there.
 *
 * Two have to come to the end of an answer that comes later: the thread that had the request, and the
 * one that has the answer, which may be there before the first has let go. The second of them sends it.
 */
#include "request/req.h"

#include <stdlib.h>

struct later {
	struct fs_waiter waiter;
	struct chan *chan;
	struct slot *slot;
	int answer;
	_Atomic int n_left;
};

static void later_end(struct later *later)
{
	struct chan_answer message = { .unique = later->waiter.unique };

	if (atomic_fetch_sub(&later->n_left, 1) > 1)
		return;
	/* Not before: the answer may have come since this function began. */
	message.error = later->answer;
	later->chan->ops->reply(later->chan, later->slot, &message);
	if (later->chan->ops->lend)
		later->chan->ops->lend(later->chan, later->slot);
	free(later);
}

static void later_done(struct fs_waiter *waiter, int answer)
{
	struct later *later = (struct later *)waiter;

	later->answer = answer;
	later_end(later);
}

struct fs_waiter *req_later(struct req *req)
{
	struct later *later;

	if (req_kept(req) && !req->host->feed(req))
		return NULL;
	later = calloc(1, sizeof(*later));
	if (!later)
		return NULL;
	later->waiter.done = later_done;
	later->waiter.unique = req->msg.head->unique;
	later->chan = req->chan;
	later->slot = req_home(req);
	later->n_left = 2;
	req->later = later;
	return &later->waiter;
}

void req_later_cancel(struct req *req)
{
	free(req->later);
	req->later = NULL;
}

/* Its slot goes back to the transport, with the answer; a request that has moved is free then. */
static struct req *give_back(struct req *req)
{
	struct req *from = req->from;

	if (!req_kept(req))
		return req;
	req->from = NULL;
	/* A slot that was lent before: this cannot fail, and the request is not ours after it. */
	req->chan->ops->lend(req->chan, from ? &from->slot : &req->slot);
	return from ? req : NULL;
}

struct req *req_done(struct req *req, struct later *later)
{
	struct req *moved = req->from ? req : NULL;

	if (!later)
		return give_back(req);
	if (!req_kept(req))
		moved = req;
	req->from = NULL;
	later_end(later);
	return moved;
}
