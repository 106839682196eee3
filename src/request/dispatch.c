// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The life of a request. Only this file, and deferred.c for locks that wait, sends replies.
 *
 * Check-in finds the nodes and open files of the request (check-in.c), then the function of the
 * operation runs, then check-out writes the result and adds to the lookup counts (result.c). The
 * row of the operation controls check-in and check-out; the function only returns a result.
 *
 * Filters run between check-in and the function, and after the result is written (filter/apply.c).
 * So filters see the request as the kernel sent it, and the engine checks the changes of filters
 * before it counts anything.
 *
 * No locks: a request belongs to one thread at a time.
 */
#include "filter/apply.h"
#include "request/check-in.h"
#include "request/deferred.h"
#include "request/exact.h"
#include "request/filter-adapter.h"
#include "request/keep-mounts.h"
#include "request/req.h"
#include "request/reply-cache.h"
#include "request/result.h"
#include "request/served.h"
#include "request/shown.h"
#include "request/source-gate.h"
#include "request/stage.h"
#include "request/trace.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>

/* The user and group ID of callers whose IDs the kernel does not send (idmapped mounts). */
#define NOBODY 65534

static void caller_of(struct req *req)
{
	const struct fuse_in_header *head = req->msg.head;

	req->caller = (struct fs_caller){ .uid = head->uid, .gid = head->gid, .pid = head->pid };
	if (head->uid == FUSE_INVALID_UIDGID) {
		req->caller.uid = req->caller.gid = NOBODY;
		req->caller.unknown = true;
	}
	if (req->msg.ext_len)
		req->caller.has_group = wire_ext_group(&req->msg, &req->caller.group);
}

static void answer(struct req *req, int r)
{
	struct chan_answer answer = { .unique = req->msg.head->unique, .error = r };
	int sent;

	if (r == 0) {
		result_commit(req);
		answer.arg = req_result(req);
		answer.arg_len = req->out_len;
		answer.data = req->data;
		answer.data_len = req->data_len;
	}
	sent = req->chan->ops->reply(req->chan, req_home(req), &answer);
	if (sent == 0 || r != 0)
		return;
	result_undo(req);
	if (sent == CHAN_E_REFUSED) {
		log_error("the kernel refused the reply to %s, so the caller gets EIO: please "
			  "report this bug",
			  req->msg.op->name);
		answer.error = -EIO;
		req->chan->ops->reply(req->chan, req_home(req), &answer);
	}
}

static void req_cleanup(struct req *req)
{
	exact_unlock(req->host->exact, req);
	check_in_undo(req);
	adapter_rename_end(req);
	if (req->host->source)
		source_gate_end(req);
	fs_node_put(req->fs, req->entry.node);
	req_clear(req);
	req_leave_chain(req);
}

/*
 * Returns true if the changes of the operation have to be on the disk before the reply (sync,
 * dirsync).
 */
static bool is_durable(const struct req *req)
{
	const struct op *op = req->msg.op;

	if (op->flags & OP_TRUNCATES)
		return req->host->sync;
	return (op->flags & OP_CHANGES) &&
	       (req->host->sync || (req->host->dirsync && op->n_entries));
}

/*
 * Waits until the changes are on the disk if the view is mounted with sync or dirsync. Returns 0,
 * or -errno for the reply.
 */
static int make_durable(struct req *req)
{
	uint32_t opcode = req->msg.head->opcode;
	int r;

	if (!is_durable(req) || opcode == FUSE_WRITE)
		return 0;
	if ((req->msg.op->flags & OP_TRUNCATES) && !(req->open.handle->flags & O_TRUNC))
		return 0;
	r = fs_sync_change(req->fs, req->node);
	if (r == 0 && req->node2)
		r = fs_sync_change(req->fs, req->node2);
	if (r < 0)
		reply_discard(req);
	return r;
}

/* Runs the post programs, and discards a result that they refuse. Returns the new result. */
static int run_filters_after(struct req *req, int r)
{
	bool finds = req->msg.op->effect == OP_FINDS;
	bool reads = req->msg.op->answer == OP_ANSWER_CONTENT;
	bool answered = r == APPLY_DONE;
	int then;

	if (answered)
		r = 0;
	else if (finds && req->stage >= STAGE_CHECKED_IN && req->call.filters)
		r = adapter_found(req, r);
	if (r == 0 && !answered)
		result_encode(req);
	if (answered && r == 0)
		shown_check(req);
	if (!req->call.ran && !(answered && reads))
		return r;
	if (req->msg.op->answer == OP_ANSWER_LIST)
		return op_readdir_post(req, r, answered);
	then = reads ? op_read_post(req, r, answered) : adapter_after(req, r);
	if (r == 0 && then != 0)
		reply_discard(req);
	/* Encode the absent name again, because programs may have added attributes. */
	if (then == 0 && finds && !req->entry.node)
		result_encode(req);
	return then;
}

/* Returns the error of the reply for the result r of an operation; -EIO if r is not an errno. */
static int answer_of(struct req *req, int r)
{
	if (r <= 0 && r > -512)
		return r;
	log_error("%s returned %d, which is not an errno, so the caller gets EIO: please report "
		  "this bug",
		  req->msg.op->name, r);
	return -EIO;
}

/*
 * Puts the request under the chain in force. If the request was received before the first filter
 * was loaded, moves it to a slot in the BPF map. Returns the request, or the new one.
 */
static struct req *take_chain(struct req *req)
{
	if (req->in_pool || !req_enter_chain(req) || req->slot.in_map)
		return req;
	req_leave_chain(req);
	req = req->host->move(req);
	req_enter_chain(req);
	return req;
}

/* Hands a request to the pool. Returns false if there is no pool, or no room for this user. */
static bool to_pool(struct req *req, struct req **ret_other)
{
	req->measured = false;
	return !req->in_pool && req->host->to_pool(req, true, false, ret_other);
}

/*
 * Returns true for a change if the kernel may meanwhile send requests to this thread that no other
 * thread can receive: the change may block on the lower file system, and they would wait for it.
 */
static bool is_risky(struct req *req)
{
	return (req->msg.op->flags & OP_CHANGES) && req_slot_is_owned(req) &&
	       req->chan->ops->surplus(req->chan);
}

/*
 * Hands a request that looks up or reads to the pool, as to_pool() does. The request must not queue
 * after requests of the same user that wait: the client has the directory locked in the kernel, so
 * other clients would wait, too. If no thread of the pool is free, this thread runs the request,
 * unless no other thread could then receive requests.
 */
static bool look_to_pool(struct req *req, bool may_block, struct req **ret_other)
{
	struct request_host *host = req->host;

	if (req->in_pool)
		return false;
	req->measured &= !may_block;
	return host->to_pool(req, may_block, true, ret_other) ||
	       (!host->spare(req, true) && host->to_pool(req, may_block, false, ret_other));
}

/*
 * Hands a request to the pool before check-in, if its operation always runs in the pool, or while
 * the lower file system is slow. Both do not matter to a program that answers without blocking.
 * Returns false if this thread has to run the request.
 */
static bool to_pool_at_first(struct req *req, struct req **ret_other)
{
	const struct op *op = req->msg.op;

	if (is_durable(req))
		return to_pool(req, ret_other);
	if (op->pool == OP_POOL_ALWAYS)
		return !serve_is_quick(req) && to_pool(req, ret_other);
	if (req->in_pool || op->pool == OP_POOL_NEVER)
		return false;
	if (!fs_is_remote(req->fs) && !latency_is_high(&req->host->latency) && !is_risky(req))
		return false;
	if (serve_is_quick(req))
		return false;
	return op->flags & OP_CHANGES ? req->host->to_pool(req, false, false, ret_other) :
					look_to_pool(req, false, ret_other);
}

/*
 * Returns true if the pool has no room for one more request of this user, and no thread could
 * receive requests of other users if this request blocked its thread, too.
 */
static bool is_too_many(struct req *req)
{
	const struct op *op = req->msg.op;

	return !req->in_pool && ((op->flags & OP_CHANGES) || op->pool == OP_POOL_ALWAYS) &&
	       req->host->has_pool && latency_is_high(&req->host->latency) &&
	       !req->host->spare(req, false);
}

/*
 * Runs an operation that blocks this thread, because the pool has no room for one more request of
 * this user. Refuses an open that has to wait for a lease, like open(2) with O_NONBLOCK, and
 * requests for the program unless root makes them.
 */
static int run_here(struct req *req)
{
	bool served = req->host->served && serve_wants(req);
	int r;

	if (served && req->msg.head->uid != 0 && !req_must_run(req))
		return -EAGAIN;
	if (req->msg.head->opcode == FUSE_OPEN && req->stage == STAGE_CHECKED_IN &&
	    req->host->has_pool && !served)
		return -EAGAIN;
	req->in_pool = true;
	fs_thread_may_wait(true);
	r = stage_run(req);
	fs_thread_may_wait(false);
	/* The request waits as one of this thread. */
	if (r == REQ_PARK || r == REQ_DELAY)
		req->in_pool = false;
	return r;
}

/* Returns the result of the operation, or REQ_TO_POOL if it has to run in the pool. */
static int serve(struct req *req)
{
	/* After ENOSYS the kernel does not send this operation again. */
	if (req_is_disabled(req, req->msg.head->opcode))
		return -ENOSYS;
	return is_too_many(req) ? -EAGAIN : stage_run(req);
}

struct req *req_finish(struct req *req, int r)
{
	const struct op *op = req->msg.op;
	bool outdated = reply_is_outdated(req);
	struct deferred *deferred = NULL;

	if (r == 0)
		r = make_durable(req);
	if (outdated)
		req->entry.entry_ns = req->entry.attr.attr_ns = 0;
	if (r != FS_LATER) {
		r = answer_of(req, run_filters_after(req, r));
		exact_unlock(req->host->exact, req);
		if (op->effect == OP_FINDS && keep_mounts(req, &r))
			result_encode(req);
		req->host->count(req, r);
		/* Before the reply: after it, the kernel may put another request into the slot. */
		trace_end(req, r);
		if (!(op->flags & OP_NO_REPLY))
			answer(req, r);
		if (outdated)
			reply_uncache(req);
	}
	if (r == FS_LATER)
		deferred = req->deferred;
	req_cleanup(req);
	return deferred ? deferred_release(req, deferred) : req_release(req);
}

/* As go_on(), for REQ_DELAY. A user with too many delayed requests gets EAGAIN. */
static int delay(struct req *req, struct req **ret_other)
{
	if (req->host->delay(req, ret_other))
		return REQ_KEPT;
	req->delay_us = 0;
	return req->stage == STAGE_DECIDED && !req_must_run(req) ? -EAGAIN : stage_run(req);
}

/*
 * Handles the result r of a request that may have to run elsewhere. Returns the result of the
 * operation; REQ_PARK if it has to run again; or REQ_KEPT if the request belongs to another thread,
 * or to the program, and this thread goes on with *ret_other.
 */
static int go_on(struct req *req, int r, struct req **ret_other)
{
	bool reads = req->msg.op->answer == OP_ANSWER_CONTENT;

	for (;;) {
		if (r == REQ_KEPT && serve_keep(req, ret_other, &r))
			return REQ_KEPT;
		if (r == REQ_BELOW) {
			req->below = true;
			r = stage_call(req);
		} else if (r == REQ_TO_POOL) {
			if (reads ? look_to_pool(req, true, ret_other) : to_pool(req, ret_other))
				return REQ_KEPT;
			r = run_here(req);
		} else if (r == REQ_PARK) {
			return req->host->park(req, ret_other, &r) ? REQ_KEPT : r;
		} else if (r == REQ_DELAY) {
			r = delay(req, ret_other);
			if (r == REQ_KEPT)
				return r;
		} else if (r != REQ_KEPT) {
			return r;
		}
	}
}

struct req *req_serve(struct req *req)
{
	struct req *other;
	int r;

	if (req->stage == STAGE_ARRIVED && !req->in_pool) {
		req = take_chain(req);
		req->measured = true;
		/* Now, because programs can change the extensions in the slot while it waits. */
		caller_of(req);
		trace_begin(req);
	}
	if (to_pool_at_first(req, &other))
		return other;
	do
		r = go_on(req, serve(req), &other);
	while (r == REQ_PARK);
	return r == REQ_KEPT ? other : req_finish(req, r);
}

void req_drop(struct req *req)
{
	req_cleanup(req);
}
