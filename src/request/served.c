// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The life of a request that the program answers: the call of the program, PST_LATER, interrupts,
 * and the end of the view. served.h says who owns such a request when.
 */
#include "request/served.h"
#include "fs/creds.h"
#include "request/serve-calls.h"
#include "util/cleanup.h"
#include "util/log.h"
#include "util/name.h"
#include "util/proc.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

int served_new(const struct pst_node_ops *ops, struct served **ret_served)
{
	struct served *served = calloc(1, sizeof(*served));

	if (!served)
		return -ENOMEM;
	served->ops = *ops;
	serve_defaults(&served->ops);
	served->log = log_used();
	served->event_fd = -1;
	served->queue_end = &served->queue;
	pthread_mutex_init(&served->lock, NULL);
	if (ops->loop) {
		served->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (served->event_fd < 0) {
			int r = -errno;

			served_free(served);
			return r;
		}
	}
	*ret_served = served;
	return 0;
}

struct served *served_free(struct served *served)
{
	if (!served)
		return NULL;
	if (served->event_fd >= 0)
		close(served->event_fd);
	pthread_mutex_destroy(&served->lock);
	free(served);
	return NULL;
}

void serving_free(struct serving *serving)
{
	if (!serving)
		return;
	free(serving->listing.memory);
	free(serving);
}

/* -- requests that the program has ------------------------------------------------------------- */

/* Adds a request to the list in which served_interrupt() finds it. */
static void list_add(struct served *served, struct serving *serving)
{
	serving->unique = serving->req->msg.head->unique;
	pthread_mutex_lock(&served->lock);
	serving->next = served->list;
	serving->prev = &served->list;
	if (serving->next)
		serving->next->prev = &serving->next;
	served->list = serving;
	pthread_mutex_unlock(&served->lock);
	serving->listed = true;
}

static void list_remove(struct served *served, struct serving *serving)
{
	if (!serving->listed)
		return;
	serving->listed = false;
	pthread_mutex_lock(&served->lock);
	*serving->prev = serving->next;
	if (serving->next)
		serving->next->prev = serving->prev;
	pthread_mutex_unlock(&served->lock);
}

void served_interrupt(struct served *served, uint64_t unique)
{
	struct serving *serving;

	pthread_mutex_lock(&served->lock);
	for (serving = served->list; serving; serving = serving->next)
		if (serving->unique == unique) {
			if (proc_is_dying(serving->request.pid))
				serving->interrupted = true;
			break;
		}
	pthread_mutex_unlock(&served->lock);
}

void served_stop(struct served *served)
{
	while (served && served->list) {
		struct serving *serving = served->list;

		list_remove(served, serving);
		serving->req->host->drop(serving->req);
	}
}

/* -- calls ------------------------------------------------------------------------------------- */

/* Returns true if all nodes of the request have lower files. */
static bool is_lower(const struct req *req)
{
	return !node_has_no_lower(req->node) && !(req->node2 && node_has_no_lower(req->node2));
}

static bool has_callback(const struct req *req, const struct serve_row *row)
{
	void *callback = NULL;

	memcpy(&callback, (const char *)&req->host->served->ops + row->at, sizeof(callback));
	return row->at && callback;
}

bool serve_wants(struct req *req)
{
	const struct serve_row *row = serve_row(req->msg.head->opcode);
	struct node *node = req->node;

	if (!row || !node)
		return false;
	if (req->chain && req->call.serve)
		return true;
	if (req->handle && !req->handle->dir && row->of_handle)
		return req->handle->served || (req->handle2 && req->handle2->served);
	if (fs_answers(req->fs, node) & row->answers)
		return node_has_no_lower(node) ||
		       (has_callback(req, row) &&
			!((req->msg.op->flags & OP_DOTS) && name_is_dots(req->msg.name[0])));
	/* Names in a lower directory, of a file without one, and the other way round. */
	return !is_lower(req);
}

bool serve_has_callback(const struct req *req, uint32_t opcode)
{
	const uint32_t attributes = PST_ANSWERS_GETATTR | PST_ANSWERS_SETATTR;
	const struct serve_row *row = serve_row(opcode);

	if (!req->host->served || !req->node || !row || opcode == FUSE_RELEASE)
		return false;
	/* Other replies would have the attributes of the lower file. */
	if ((row->answers & attributes) && req->node->id != FUSE_ROOT_ID &&
	    !node_has_no_lower(req->node))
		return false;
	return has_callback(req, row);
}

bool serve_is_quick(const struct req *req)
{
	const struct serve_row *row = serve_row(req->msg.head->opcode);
	const struct served *served = req->host->served;
	struct node *node;
	bool is_quick;

	if (!served || !row || !(served->ops.quick & row->answers) || served->ops.loop)
		return false;
	node = fs_node(req->fs, req->msg.head->nodeid);
	is_quick = node && node_has_no_lower(node);
	fs_node_put(req->fs, node);
	return is_quick;
}

static struct serving *serving_make(struct req *req)
{
	if (!req->serving) {
		req->serving = calloc(1, sizeof(*req->serving));
		if (req->serving)
			req->serving->req = req;
	}
	return req->serving;
}

/* Returns the program's number of an open file, 0 if the program has not opened it. */
static uint64_t number_of(const struct handle *handle)
{
	return handle && handle->served ? handle->number : 0;
}

static void fill(struct req *req, struct serving *s)
{
	struct pst_request *request = &s->request;

	*request = (struct pst_request){
		.aux = req->host->served->ops.aux,
		.file = &s->file,
		.file2 = req->node2 ? &s->file2 : NULL,
		.handle = number_of(req->handle),
		.handle2 = number_of(req->handle2),
		.uid = req->caller.uid,
		.gid = req->caller.gid,
		.pid = req->caller.pid,
	};
	fs_describe(req->fs, req->node, &s->fh, &s->file);
	if (req->node2)
		fs_describe(req->fs, req->node2, &s->fh2, &s->file2);
	s->row = serve_row(req->msg.head->opcode);
	s->interrupted = false;
	s->asked_below = false;
	s->listing.wanted = NULL;
	s->listing.found = false;
	if (req->msg.op->result == OP_RESULT_ENTRY || req->msg.op->result == OP_RESULT_CREATE)
		memset(&s->entry, 0, sizeof(s->entry));
	memset(&s->opened, 0, sizeof(s->opened));
	memset(&s->stx, 0, sizeof(s->stx));
	atomic_store_explicit(&s->state, SERVING_CALLS, memory_order_relaxed);
}

/* Turns what the program has answered into the result of the operation. */
static int take(struct req *req, int64_t result)
{
	const struct serve_row *row = serve_row(req->msg.head->opcode);
	struct serving *serving = req->serving;

	/* The lower names of a listing do not matter if the name was among the others. */
	if (result == PST_BACKING && serving->listing.found)
		result = 0;
	if (result == PST_BACKING && !row->below && !is_lower(req))
		result = req->node2 && node_has_no_lower(req->node) !=
						 node_has_no_lower(req->node2) ?
				 -EXDEV :
				 row->none;
	else if (result == PST_BACKING)
		serving->asked_below = true;
	if (result == PST_BACKING)
		return REQ_BELOW;
	if (result >= 0)
		return row->take(req, serving, result);
	if (result <= -512) {
		log_error("the program answered %s with %lld, expected 0, a number of bytes, "
			  "-errno, PST_BACKING or PST_LATER: the caller gets EIO",
			  req->msg.op->name, (long long)result);
		return -EIO;
	}
	/* After ENOSYS the kernel would never send this operation again, for any file. */
	return result == -ENOSYS ? -EOPNOTSUPP : (int)result;
}

/* The kernel allows longer names, because lower file systems may count characters. */
static bool has_long_name(const struct req *req)
{
	for (int i = 0; i < req->msg.op->n_entries; i++)
		if (strlen(req->msg.name[i]) > NAME_MAX)
			return true;
	return false;
}

/*
 * Moves a request out of the BPF map before the program gets pointers into its slot, which the
 * program may keep. Returns 0; or -EAGAIN if the program has too many requests of the user.
 */
static int prepare(struct req *req, bool quick)
{
	const struct op *op = req->msg.op;

	if (!req_may_sleep(req))
		return -EAGAIN;
	if (!quick || req->host->served->ops.loop || op->answer || op->data_max)
		req->host->move_out(req);
	return 0;
}

int serve_call(struct req *req)
{
	struct served *served = req->host->served;
	const struct serve_row *row = serve_row(req->msg.head->opcode);
	bool quick = served->ops.quick & row->answers;
	struct serving *serving;
	int64_t result;
	int r;

	if (has_long_name(req))
		return -ENAMETOOLONG;
	r = prepare(req, quick);
	if (r < 0)
		return r;
	if (!quick && !req->in_pool && !served->ops.loop && req->host->has_pool)
		return REQ_TO_POOL;
	serving = serving_make(req);
	if (!serving)
		return -ENOMEM;
	fill(req, serving);
	if (!quick || served->ops.loop)
		list_add(served, serving);
	if (served->ops.loop) {
		serving->state = SERVING_QUEUED;
		return REQ_KEPT;
	}
	result = serving_call(serving);
	if (result == PST_LATER) {
		if (quick)
			list_add(served, serving);
		return REQ_KEPT;
	}
	list_remove(served, serving);
	return take(req, result);
}

int serve_now(struct req *req)
{
	int64_t result;

	fill(req, req->serving);
	result = serving_call(req->serving);
	if (result != PST_LATER && result != PST_BACKING)
		return take(req, result);
	log_error("the program answered one of several pieces of a %s with PST_LATER or "
		  "PST_BACKING: the caller gets EIO",
		  req->msg.op->name);
	return -EIO;
}

/* -- PST_LATER --------------------------------------------------------------------------------- */

/* Queues a request for pst_view_dispatch(). From then on the program may end it. */
static void queue_push(struct served *served, struct serving *serving)
{
	const uint64_t one = 1;

	pthread_mutex_lock(&served->lock);
	serving->next_queued = NULL;
	*served->queue_end = serving;
	served->queue_end = &serving->next_queued;
	/* Under the lock, because the view may end as soon as the request has been answered. */
	if (write(served->event_fd, &one, sizeof(one)) < 0)
		log_debug("pst_view_dispatch_fd() is readable already");
	pthread_mutex_unlock(&served->lock);
}

static struct serving *queue_pop(struct served *served)
{
	struct serving *serving;
	uint64_t n;

	pthread_mutex_lock(&served->lock);
	serving = served->queue;
	if (serving) {
		served->queue = serving->next_queued;
		if (!served->queue)
			served->queue_end = &served->queue;
	} else if (read(served->event_fd, &n, sizeof(n)) < 0) {
		log_debug("pst_view_dispatch_fd() was not readable");
	}
	pthread_mutex_unlock(&served->lock);
	return serving;
}

/* Takes an answer for a request that no other thread owns. */
static int take_last(struct req *req, int64_t result)
{
	int r;

	list_remove(req->host->served, req->serving);
	fs_serve(&req->caller);
	r = take(req, result);
	fs_serve(NULL);
	return r;
}

/* Returns true if the program has the request now, false if it has replied already. */
static bool leave_to_program(struct serving *serving)
{
	int state = SERVING_CALLS;

	return atomic_compare_exchange_strong(&serving->state, &state, SERVING_WAITS);
}

bool serve_keep(struct req *req, struct req **ret_other, int *ret_result)
{
	struct request_host *host = req->host;
	struct serving *serving = req->serving;
	bool queued = serving->state == SERVING_QUEUED;
	struct req *other;

	/* Before the program may end the request. */
	host->move_out(req);
	other = host->replace(req);
	req_sleep(req);
	if (queued)
		queue_push(host->served, serving);
	if (queued || leave_to_program(serving)) {
		*ret_other = other;
		return true;
	}
	req_wake(req);
	host->put(host, other);
	*ret_result = take_last(req, serving->result);
	return false;
}

void served_dispatch(struct served *served)
{
	_cleanup_(log_usep) const struct log *before = log_use(served->log);
	struct serving *serving;

	fs_thread_set_in_view(true);
	while ((serving = queue_pop(served))) {
		struct req *req = serving->req;
		int64_t result;

		serving->state = SERVING_CALLS;
		result = serving_call(serving);
		if (result == PST_LATER && leave_to_program(serving))
			continue;
		if (result == PST_LATER)
			result = serving->result;
		req->host->resume(req, take_last(req, result));
	}
	fs_thread_set_in_view(false);
}

void serving_reply(struct serving *serving, int64_t result)
{
	struct req *req = serving->req;
	_cleanup_(log_usep) const struct log *before = log_use(req->host->served->log);
	int state = serving->state;

	while (state == SERVING_CALLS || state == SERVING_WAITS) {
		serving->result = result;
		if (!atomic_compare_exchange_weak(&serving->state, &state, SERVING_REPLIED))
			continue;
		/* After SERVING_CALLS, the thread of the callback ends the request. */
		if (state == SERVING_WAITS)
			req->host->resume(req, take_last(req, result));
		return;
	}
	log_error("the program has called pst_reply() for a request that it does not have: twice, "
		  "or without PST_LATER. The view ignores the call, but the program may as well "
		  "have ended another request");
}
