// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/fair-queue.h"
#include "util/hash.h"

#include <string.h>

void fair_queue_init(struct fair_queue *queue, unsigned int n_threads)
{
	memset(queue, 0, sizeof(*queue));
	queue->n_threads = n_threads;
	queue->end = &queue->first;
	for (unsigned int i = 0; i < FAIR_QUEUE_ROWS; i++)
		queue->rows[i].queue_end = &queue->rows[i].queue;
}

static struct fair_queue_row *row_of(struct fair_queue *queue, uint32_t uid)
{
	return &queue->rows[hash_mix(uid) % FAIR_QUEUE_ROWS];
}

bool fair_queue_has_room(struct fair_queue *queue, const struct req *req, unsigned int n_room)
{
	const struct fair_queue_row *row = row_of(queue, req->msg.head->uid);
	bool slot = req_has_pool_slot(req);
	unsigned int n = queue->n_slots[slot];

	return n < n_room && row->n_slots[slot] < n_room - n;
}

static void count_slot(struct fair_queue *queue, uint32_t uid, bool slot, int by)
{
	queue->n_slots[slot] += (unsigned int)by;
	row_of(queue, uid)->n_slots[slot] += (unsigned int)by;
}

static void row_append(struct fair_queue *queue, struct fair_queue_row *row)
{
	row->next = NULL;
	*queue->end = row;
	queue->end = &row->next;
}

/* Takes a row out of the list. link points to the pointer to the row. */
static void row_unlink(struct fair_queue *queue, struct fair_queue_row **link)
{
	struct fair_queue_row *row = *link;

	*link = row->next;
	if (queue->end == &row->next)
		queue->end = link;
}

void fair_queue_push(struct fair_queue *queue, struct req *req)
{
	struct fair_queue_row *row = row_of(queue, req->msg.head->uid);

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
	count_slot(queue, req->msg.head->uid, req_has_pool_slot(req), 1);
	queue->n_queued++;
	if (row->n_queued++ == 0)
		row_append(queue, row);
}

/*
 * Takes a request out of the queue of its row. link points to the pointer to the request, row_link
 * to the pointer to the row.
 */
static struct req *take(struct fair_queue *queue, struct fair_queue_row **row_link,
			struct req **link)
{
	struct fair_queue_row *row = *row_link;
	struct req *req = *link;

	*link = req->next;
	if (row->queue_end == &req->next)
		row->queue_end = link;
	queue->n_queued--;
	if (--row->n_queued == 0)
		row_unlink(queue, row_link);
	return req;
}

static bool may_run(const struct fair_queue *queue, const struct fair_queue_row *row)
{
	if (queue->n_running >= queue->n_threads)
		return false;
	if (row->queue && (row->queue->changed || row->queue->at_once))
		return true;
	return !row->n_running || row->n_running < queue->n_threads - queue->n_running;
}

bool fair_queue_may_run(struct fair_queue *queue, const struct req *req)
{
	const struct fair_queue_row *row = row_of(queue, req->msg.head->uid);

	return !row->n_queued && may_run(queue, row);
}

struct req *fair_queue_pop(struct fair_queue *queue)
{
	struct fair_queue_row **link = &queue->first;
	struct fair_queue_row *row;
	struct req *req;

	while (*link && !may_run(queue, *link))
		link = &(*link)->next;
	row = *link;
	if (!row)
		return NULL;
	req = take(queue, link, &row->queue);
	/* Other users have the next turns. */
	if (row->n_queued) {
		row_unlink(queue, link);
		row_append(queue, row);
	}
	row->n_running++;
	queue->n_running++;
	return req;
}

struct req *fair_queue_remove(struct fair_queue *queue, uint64_t unique)
{
	for (struct fair_queue_row **row = &queue->first; *row; row = &(*row)->next)
		for (struct req **link = &(*row)->queue; *link; link = &(*link)->next) {
			struct req *req = *link;

			if (req->msg.head->unique != unique)
				continue;
			count_slot(queue, req->msg.head->uid, req_has_pool_slot(req), -1);
			return take(queue, row, link);
		}
	return NULL;
}

void fair_queue_done(struct fair_queue *queue, uint32_t uid, bool slot)
{
	count_slot(queue, uid, slot, -1);
	row_of(queue, uid)->n_running--;
	queue->n_running--;
}
