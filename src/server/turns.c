// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/turns.h"
#include "util/hash.h"

#include <string.h>

void turns_init(struct turns *turns, unsigned int n_threads)
{
	memset(turns, 0, sizeof(*turns));
	turns->n_threads = n_threads;
	turns->end = &turns->first;
	for (unsigned int i = 0; i < TURNS_ROWS; i++)
		turns->rows[i].queue_end = &turns->rows[i].queue;
}

static struct turn *row_of(struct turns *turns, uint32_t uid)
{
	return &turns->rows[hash_mix(uid) % TURNS_ROWS];
}

bool turns_have_room(struct turns *turns, const struct req *req, unsigned int n_room)
{
	const struct turn *row = row_of(turns, req->msg.head->uid);
	unsigned int n = turns->n_queued + turns->n_running;

	return n < n_room && row->n_queued + row->n_running < n_room - n;
}

static void row_append(struct turns *turns, struct turn *row)
{
	row->next = NULL;
	*turns->end = row;
	turns->end = &row->next;
}

/* Takes the row that *link leads to out of the list. */
static void row_unlink(struct turns *turns, struct turn **link)
{
	struct turn *row = *link;

	*link = row->next;
	if (turns->end == &row->next)
		turns->end = link;
}

void turns_push(struct turns *turns, struct req *req)
{
	struct turn *row = row_of(turns, req->msg.head->uid);

	if (req->changed) {
		req->next = row->queue;
		row->queue = req;
		if (row->queue_end == &row->queue)
			row->queue_end = &req->next;
	} else {
		req->next = NULL;
		*row->queue_end = req;
		row->queue_end = &req->next;
	}
	turns->n_queued++;
	if (row->n_queued++ == 0)
		row_append(turns, row);
}

/* Takes the request that *link leads to out of the queue of a row, which *row_link leads to. */
static struct req *take(struct turns *turns, struct turn **row_link, struct req **link)
{
	struct turn *row = *row_link;
	struct req *req = *link;

	*link = req->next;
	if (row->queue_end == &req->next)
		row->queue_end = link;
	turns->n_queued--;
	if (--row->n_queued == 0)
		row_unlink(turns, row_link);
	return req;
}

static bool may_run(const struct turns *turns, const struct turn *row)
{
	if (turns->n_running >= turns->n_threads)
		return false;
	if (row->queue && (row->queue->changed || row->queue->at_once))
		return true;
	return !row->n_running || row->n_running < turns->n_threads - turns->n_running;
}

bool turns_may_run(struct turns *turns, const struct req *req)
{
	const struct turn *row = row_of(turns, req->msg.head->uid);

	return !row->n_queued && may_run(turns, row);
}

struct req *turns_pop(struct turns *turns)
{
	struct turn **link = &turns->first;
	struct turn *row;
	struct req *req;

	while (*link && !may_run(turns, *link))
		link = &(*link)->next;
	row = *link;
	if (!row)
		return NULL;
	req = take(turns, link, &row->queue);
	/* The others come first now. */
	if (row->n_queued) {
		row_unlink(turns, link);
		row_append(turns, row);
	}
	row->n_running++;
	turns->n_running++;
	return req;
}

struct req *turns_remove(struct turns *turns, uint64_t unique)
{
	for (struct turn **row = &turns->first; *row; row = &(*row)->next)
		for (struct req **link = &(*row)->queue; *link; link = &(*link)->next)
			if ((*link)->msg.head->unique == unique)
				return take(turns, row, link);
	return NULL;
}

void turns_done(struct turns *turns, uint32_t uid)
{
	row_of(turns, uid)->n_running--;
	turns->n_running--;
}
