// SPDX-License-Identifier: LGPL-2.1-or-later
/* The memory of a request, and the chain under which it runs. No locks; the chain is atomic. */
#include "request/req.h"
#include "filter/call-fill.h"
#include "request/exact.h"

#include <stddef.h>

void req_save(struct req *req)
{
	struct wire_msg *msg = &req->msg;
	struct req_saved *saved = req->saved;
	const struct op *op = msg->op;

	if (!saved)
		return;
	assert(op->arg_size <= sizeof(saved->call.cur));
	saved->head = *msg->head;
	/* A program may have changed the opcode since the row of the operation was found. */
	saved->head.opcode = (uint32_t)(op - op_table);
	memset(&saved->call.cur, 0, sizeof(saved->call.cur));
	memcpy(&saved->call.cur, msg->arg, op->arg_size);
	msg->head = &saved->head;
	msg->arg = &saved->call.cur;
	req->long_name = false;
	for (int i = 0; i < op->n_names - call_has_text(op); i++) {
		req->long_name |= call_save_name(saved->call.name[i], msg->name[i]) < 0;
		msg->name[i] = saved->call.name[i];
	}
}

/*
 * Hazard pointer: a thread that wants to free a chain first looks for it in all requests. So a
 * request sets begun, publishes the chain in req->chain, and reads the chain in force again. If
 * that has changed, the other thread may have looked too early, and the request starts over with
 * the new
 * chain: it would use freed memory otherwise.
 */
struct chain *req_enter_chain(struct req *req)
{
	struct chain *chain, *now;

	atomic_store(&req->begun, true);
	chain = atomic_load(&req->host->chain);
	while (chain) {
		atomic_store(&req->chain, chain);
		now = atomic_load(&req->host->chain);
		if (now == chain)
			return chain;
		chain = now;
	}
	atomic_store_explicit(&req->chain, NULL, memory_order_release);
	return NULL;
}

void req_leave_chain(struct req *req)
{
	if (atomic_load_explicit(&req->chain, memory_order_relaxed))
		atomic_store_explicit(&req->chain, NULL, memory_order_release);
	atomic_store_explicit(&req->begun, false, memory_order_release);
}

bool req_must_run(const struct req *req)
{
	const struct fuse_write_in *in = req->msg.arg;

	return (req->msg.op->flags & OP_CLOSES) ||
	       (req->msg.head->opcode == FUSE_WRITE && (in->write_flags & FUSE_WRITE_CACHE));
}

bool req_may_sleep(const struct req *req)
{
	return req_must_run(req) || fair_share_has_room(&req->host->asleep, req->msg.head->uid);
}

static bool is_large(const struct req *req)
{
	const struct fuse_read_in *in = req->msg.arg;

	return req->slot.data_size > SLOT_KEPT &&
	       (req->msg.head->len > SLOT_KEPT ||
		(req->msg.head->opcode == FUSE_READ && in->size > SLOT_KEPT));
}

void req_sleep(struct req *req)
{
	req->large |= is_large(req);
	exact_give_up(req->host->exact, req);
	fair_share_take(&req->host->asleep, req->msg.head->uid);
	req->slept = true;
	atomic_store(&req->asleep, true);
}

void req_wake(struct req *req)
{
	fair_share_put(&req->host->asleep, req->msg.head->uid);
	atomic_store(&req->asleep, false);
}

void req_clear(struct req *req)
{
	memset(&req->caller, 0, sizeof(*req) - offsetof(struct req, caller));
	if (req->call.chain)
		call_begin(&req->call, NULL, 0);
}

struct req *req_release(struct req *req)
{
	struct req *from = req->from;

	if (!req_slot_is_owned(req))
		return req;
	req->from = NULL;
	/* give() cannot fail for a slot that was given before. The channel now owns the slot. */
	req->chan->ops->give(req->chan, from ? &from->slot : &req->slot);
	return from ? req : NULL;
}
