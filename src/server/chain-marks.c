// SPDX-License-Identifier: LGPL-2.1-or-later
/* Which nodes a filter holds for while it is added or removed. */
#include "server/chain-marks.h"
#include "filter/name-check.h"
#include "server/request-pool.h"
#include "util/cleanup.h"

#include <stdlib.h>
#include <time.h>

/* How long a request waits for another one by which a new filter is asked about its nodes. */
#define SETTLE_MS 200

/*
 * A new filter that goes by names meets a node whose path is not known: it may be any, so the
 * filter holds for it, as for a file that it is for. The next LOOKUP decides anew.
 */
static void mark_unknown(const struct chain_marks *marks, struct node *node)
{
	struct link *link = marks->new;
	uint64_t bit = 1ULL << link->bit;

	/* Once: it may run already, and have filled its cell. */
	if (link->cells && !(node->filters & bit))
		link->cells[fs_node_number(marks->fs, node)] =
			marks->by_name ? filter_facts(link->filter)->unknown :
					filter_facts(link->filter)->cell;
	atomic_fetch_or(&node->filters, bit);
}

/*
 * What a new filter has of a node that the kernel knows already: some are not looked up again soon,
 * directories that somebody works in, files that are open. The next LOOKUP decides anew.
 */
static void mark_new(const struct chain_marks *marks, struct node *node)
{
	struct link *link = marks->new;

	if (node == link->at)
		return;
	if (node->id == FUSE_ROOT_ID) {
		/* Attached somewhere: below that it is inherited; what is above is not its own. */
		if (link->at)
			return;
		if (link->cells && !(node->filters >> link->bit & 1))
			link->cells[fs_node_number(marks->fs, node)] =
				filter_facts(link->filter)->cell;
		atomic_fetch_or(&node->filters, 1ULL << link->bit);
	} else if (!marks->req || !judge_path(marks->req, link, node, marks->seen)) {
		mark_unknown(marks, node);
	}
	atomic_fetch_and(&node->filters, ~NODE_FILTERS_SET);
}

static void mark_node(void *aux, struct node *node)
{
	const struct chain_marks *marks = aux;

	if (marks->new)
		mark_new(marks, node);
	if (marks->gone)
		atomic_fetch_and(&node->filters, ~marks->gone);
	if (marks->gone && !(marks->chain && chain_shows(marks->chain)))
		fs_show_real(marks->fs, node);
}

/* A filter that is attached somewhere: the node is ours to keep, and keeps the filter. */
static void mark_attached(const struct chain_marks *marks)
{
	for (unsigned int i = 0; marks->chain && i < marks->chain->n; i++) {
		const struct link *link = marks->chain->links[i];

		if (!link->at)
			continue;
		if (link->cells)
			link->cells[fs_node_number(marks->fs, link->at)] =
				filter_facts(link->filter)->cell;
		atomic_fetch_or(&link->at->filters, 1ULL << link->bit | NODE_FILTERS_SET);
	}
}

void chain_marks_apply(struct chain_marks *marks)
{
	_cleanup_(freep) uint64_t *seen = NULL;
	struct req *req = NULL;

	marks->by_name = marks->new && (marks->chain->by_name & 1ULL << marks->new->bit);
	/* Without memory to ask with all are held, which is right, and slow. */
	if (marks->by_name)
		seen = calloc(NODE_MAX / 64, sizeof(*seen));
	if (seen) {
		req = request_pool_borrow(marks->requests, true);
		/* It may not be in force yet. */
		atomic_store(&req->chain, (struct chain *)marks->chain);
	}
	marks->seen = seen;
	marks->req = req;
	/* Before: others inherit from them. After: they were judged like others. */
	mark_attached(marks);
	fs_walk(marks->fs, mark_node, marks);
	mark_attached(marks);
	if (req)
		request_pool_return(marks->requests, req);
}

/*
 * A request to ask a new filter with, from inside of another one. All that there are may wait for
 * that: after a while it goes on without, and the filter holds for nodes as if their paths were not
 * known.
 */
static struct req *borrow_soon(struct request_pool *requests)
{
	static const struct timespec pause = { .tv_nsec = 1000000 };
	struct req *req = request_pool_borrow(requests, false);

	for (int i = 0; i < SETTLE_MS && !req; i++) {
		nanosleep(&pause, NULL);
		req = request_pool_borrow(requests, false);
	}
	return req;
}

void chain_marks_settle(struct request_pool *requests, struct req *req)
{
	struct chain *chain = req->chain;
	struct chain_marks marks = { .fs = req->fs, .chain = chain, .new = chain->arriving };

	if (!marks.new)
		return;
	marks.by_name = chain->by_name & 1ULL << marks.new->bit;
	marks.req = marks.by_name ? borrow_soon(requests) : NULL;
	if (marks.req)
		atomic_store(&marks.req->chain, chain);
	if (req->node)
		mark_new(&marks, req->node);
	if (req->node2)
		mark_new(&marks, req->node2);
	if (marks.req)
		request_pool_return(requests, marks.req);
}

void chain_marks_undo(const struct chain_marks *marks)
{
	struct chain_marks undo = { .fs = marks->fs, .gone = 1ULL << marks->new->bit };

	fs_walk(undo.fs, mark_node, &undo);
}
