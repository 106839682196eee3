// SPDX-License-Identifier: LGPL-2.1-or-later
#include "request/exact.h"
#include "filter/chain.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>

void exact_init(struct exact *exact)
{
	for (int i = 0; i < EXACT_N_ROWS; i++) {
		pthread_mutex_init(&exact->row[i].lock, NULL);
		pthread_cond_init(&exact->row[i].free, NULL);
		exact->row[i].held = false;
	}
}

void exact_fini(struct exact *exact)
{
	for (int i = 0; i < EXACT_N_ROWS; i++) {
		pthread_mutex_destroy(&exact->row[i].lock);
		pthread_cond_destroy(&exact->row[i].free);
	}
}

/* Returns a strong reference to the file under a name, or NULL. */
static struct node *named(struct req *req, struct node *dir, const char *name)
{
	struct node *node = NULL;
	struct statx stx;

	return fs_peek(req->fs, dir, name, &stx, &node) < 0 ? NULL : node;
}

/* Returns true for RENAME_EXCHANGE. For RENAME without flags, req_save() has added zeros. */
static bool exchanges(const struct req *req)
{
	return ((const struct fuse_rename2_in *)req->msg.arg)->flags & RENAME_EXCHANGE;
}

static bool truncates(const struct req *req)
{
	return ((const struct fuse_open_in *)req->msg.arg)->flags & O_TRUNC;
}

bool exact_may_wait(const struct req *req)
{
	const struct op *op = req->msg.op;

	if (!(req->chain->exact & req->call.filters))
		return false;
	return op->effect == OP_LINKS || op->effect == OP_REMOVES || op->effect == OP_RENAMES ||
	       (op->flags & OP_EXACT) || ((op->flags & OP_TRUNCATES) && truncates(req));
}

/*
 * Returns a strong reference to the file whose size, owner or links the request changes, or NULL.
 */
static struct node *changes(struct req *req)
{
	switch (req->msg.op->effect) {
	case OP_LINKS:
		return node_get(req->node2);
	case OP_REMOVES:
		return named(req, req->node, req->msg.name[0]);
	case OP_RENAMES:
		return exchanges(req) ? NULL : named(req, req->node2, req->msg.name[1]);
	}
	return node_get(req->node);
}

static struct exact_row *row_of(struct exact *exact, struct req *req)
{
	return &exact->row[fs_node_number(req->fs, req->changed) % EXACT_N_ROWS];
}

static void take(struct exact_row *row)
{
	pthread_mutex_lock(&row->lock);
	while (row->held)
		pthread_cond_wait(&row->free, &row->lock);
	row->held = true;
	pthread_mutex_unlock(&row->lock);
}

void exact_lock(struct exact *exact, struct req *req)
{
	if (!exact_may_wait(req))
		return;
	req->changed = changes(req);
	if (!req->changed)
		return;
	take(row_of(exact, req));
	/* If the request removes the last name of the file, no handle opens the file any more. */
	fs_pin(req->fs, req->changed, &req->pin);
}

static void release(struct exact_row *row)
{
	pthread_mutex_lock(&row->lock);
	row->held = false;
	pthread_cond_signal(&row->free);
	pthread_mutex_unlock(&row->lock);
}

void exact_give_up(struct exact *exact, struct req *req)
{
	if (!req->changed || req->unlocked)
		return;
	release(row_of(exact, req));
	req->unlocked = true;
}

void exact_lock_again(struct exact *exact, struct req *req)
{
	take(row_of(exact, req));
	req->unlocked = false;
}

void exact_unlock(struct exact *exact, struct req *req)
{
	if (!req->changed)
		return;
	fdref_putp(&req->pin);
	if (!req->unlocked)
		release(row_of(exact, req));
	fs_node_put(req->fs, req->changed);
	req->changed = NULL;
}
