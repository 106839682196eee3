// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The stages of a request before its reply: check-in, the programs before the operation, and the
 * operation's function. No locks: a request belongs to one thread at a time.
 */
#include "request/stage.h"
#include "filter/apply.h"
#include "filter/place.h"
#include "request/attached.h"
#include "request/check-in.h"
#include "request/exact.h"
#include "request/filter-adapter.h"
#include "request/reply-cache.h"
#include "request/served.h"
#include "request/source-gate.h"
#include "util/clock.h"

#include <errno.h>
#include <string.h>

#define FUNCTION(NAME, FUNCTION, ...) [FUSE_##NAME] = op_##FUNCTION,
static int (*const functions[OP_MAX])(struct req *req) = { OP_ROWS(FUNCTION) };

int op_unsupported(struct req *req)
{
	(void)req;
	return -ENOSYS;
}

/*
 * Copies names and data that the operation still needs to another place in the slot, because the
 * data of the reply will overwrite them. A name in req->saved stays there: a program could change a
 * copy in the slot after the engine has checked the name. For data this does not matter, because
 * all bytes are valid. Returns 0 or -errno.
 */
static int move_aside(struct req *req)
{
	struct wire_msg *msg = &req->msg;
	char *aside = req->slot.base + SLOT_ASIDE;
	size_t name_len = msg->op->n_names && !req->saved ? strlen(msg->name[0]) + 1 : 0;

	req->data = slot_data(&req->slot);
	if (!msg->op->data_unit && !name_len)
		return 0;
	if (name_len + msg->data_len > SLOT_ASIDE_SIZE)
		return msg->op->n_names ? -ERANGE : -EINVAL;
	if (name_len)
		msg->name[0] = memcpy(aside, msg->name[0], name_len);
	if (msg->op->data_unit)
		msg->data = memcpy(aside + name_len, msg->data, msg->data_len);
	return 0;
}

/*
 * Runs the pre programs. If no filter applies to the request, records the filters that a created
 * file inherits from its directory. Returns 0, -errno, APPLY_DONE or REQ_TO_POOL.
 */
static int run_filters_before(struct req *req)
{
	struct chain *chain = req->chain;

	if (port_load(&chain->activating))
		req->host->mark_nodes(req);
	adapter_begin(req);
	/*
	 * Go to the pool before any program runs and before exact_lock(): a request that waited for
	 * a thread of the pool while it has a file locked could deadlock, because all threads may
	 * wait for that file. A request that filters may delay ends in the pool in any case.
	 */
	if (((chain->delays & req->call.filters) || exact_may_wait(req)) && !req->in_pool)
		return REQ_TO_POOL;
	if (req->call.filters)
		return adapter_before(req);
	if (req->node)
		place_inherit(&req->call, &req->node->filter);
	return 0;
}

/* Takes over what the pre programs have decided. Returns 0, -errno or APPLY_DONE. */
static int take_decision(struct req *req)
{
	struct chain *chain = req->chain;
	int r = req->result;

	if (r == APPLY_DONE && req->msg.head->opcode == FUSE_SETATTR)
		return adapter_answer_setattr(req);
	/* After the programs, so that the time of this lookup does not reveal hidden names. */
	if (r == 0 && chain && chain->attached)
		r = attached_check(req);
	if (r == 0 && req->msg.op->answer)
		r = move_aside(req);
	if (r == 0 && chain) {
		req->caller.filters = req->call.child.filters;
		req->caller.known_filters = chain->all;
	}
	return r;
}

/* Runs the operation's function, or calls the program that answers the operation. */
static int call_function(struct req *req)
{
	int r = REQ_BELOW;

	if (req->host->served && !req->below && serve_wants(req))
		r = serve_call(req);
	if (r != REQ_BELOW)
		return r;
	req->below = true;
	req_move_in(req);
	return functions[req->msg.op - op_table](req);
}

int stage_call(struct req *req)
{
	const struct op *op = req->msg.op;
	uint32_t began = clock_ms();
	int r = 0;

	if (req->unlocked) {
		exact_lock_again(req->host->exact, req);
		adapter_look_again(req);
	}
	fs_serve(&req->caller);
	if (op->result == OP_RESULT_OPEN || op->result == OP_RESULT_CREATE)
		r = fs_may_open(req->fs, &req->caller);
	if (r == 0)
		r = call_function(req);
	fs_serve(NULL);
	if (req->measured)
		latency_record(&req->host->latency, clock_ms() - began);
	return r == FS_WOULD_WAIT ? REQ_TO_POOL : r;
}

/* Runs the operation's function when the hollow files that it needs are filled. */
static int call_when_filled(struct req *req)
{
	int r = source_gate(req);

	if (r == 0)
		r = stage_call(req);
	if (r != 0)
		return r;
	r = source_gate_after(req);
	if (r != 0) {
		reply_discard(req);
		req->open = (struct fs_open){ 0 };
	}
	return r;
}

int stage_run(struct req *req)
{
	int r;

	if (req->stage == STAGE_ARRIVED) {
		r = check_in(req);
		if (r == 0 && req->chain)
			r = run_filters_before(req);
		/* A thread of the pool begins with check-in again. */
		if (r == REQ_TO_POOL) {
			check_in_undo(req);
			return r;
		}
		req->result = r;
		req->stage = STAGE_DECIDED;
		if (req->delay_us)
			return REQ_DELAY;
	}
	if (req->stage == STAGE_ENDED)
		return req->result;
	if (req->stage == STAGE_DECIDED) {
		r = take_decision(req);
		if (r != 0)
			return r;
		req->stage = STAGE_CHECKED_IN;
	}
	req->out_len = req->data_len = 0;
	req->delay_us = 0;
	r = req->host->source ? call_when_filled(req) : stage_call(req);
	if (!req->delay_us || r > 0)
		return r;
	req->result = r;
	req->stage = STAGE_ENDED;
	return REQ_DELAY;
}
