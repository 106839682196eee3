// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Tracing. The thread that serves a request writes a line about it to each listener just before the
 * reply, and never waits for a listener: if the pipe or socket has no room, the thread drops the
 * line, and the next line has the number of dropped lines. A listener that waited would block all
 * clients of the view.
 *
 * Locking: trace->lock guards the listeners. Threads compose lines without the lock.
 */
#include "request/trace.h"
#include "request/trace-kept.h"
#include "request/trace-line.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_LISTENERS 16
#define PAST_MS       5000 /* for a reader of the kept events to take some of them */

struct listener {
	int fd; /* owned; -1 if this struct is free */
	bool all;
	uint64_t lost;   /* lines that were dropped since the last line that was written */
	size_t rest_len; /* bytes in rest: the end of a line that the kernel took in part only */
	char rest[LINE_SIZE];
};

struct trace {
	_Atomic unsigned int n;     /* listeners */
	_Atomic unsigned int n_all; /* listeners that want all operations */
	pthread_mutex_t lock;
	struct listener listeners[MAX_LISTENERS];
	struct kept kept;
};

int trace_new(struct trace **ret_trace)
{
	struct trace *trace = calloc(1, sizeof(*trace));

	if (!trace)
		return -ENOMEM;
	pthread_mutex_init(&trace->lock, NULL);
	trace->kept = (struct kept)KEPT_INIT;
	for (int i = 0; i < MAX_LISTENERS; i++)
		trace->listeners[i].fd = -1;
	*ret_trace = trace;
	return 0;
}

struct trace *trace_free(struct trace *trace)
{
	if (!trace)
		return NULL;
	for (int i = 0; i < MAX_LISTENERS; i++)
		fd_close(trace->listeners[i].fd);
	pthread_mutex_destroy(&trace->lock);
	kept_fini(&trace->kept);
	free(trace);
	return NULL;
}

/* Caller holds the lock. */
static void listener_end(struct trace *trace, struct listener *listener)
{
	listener->fd = fd_close(listener->fd);
	trace->n_all -= listener->all;
	trace->n--;
}

/*
 * Returns true if the reader has closed its end. Without this check a view without requests would
 * keep listeners whose reader has gone, and trace_add() would fail with EBUSY.
 */
static bool has_gone(const struct listener *listener)
{
	struct pollfd fd = { .fd = listener->fd };

	return listener->fd >= 0 && poll(&fd, 1, 0) > 0 &&
	       (fd.revents & (POLLHUP | POLLERR | POLLNVAL));
}

int trace_add(struct trace *trace, int fd, bool all)
{
	int flags = fcntl(fd, F_GETFL), r = -EBUSY;

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) {
		r = -errno;
		fd_close(fd);
		return r;
	}
	pthread_mutex_lock(&trace->lock);
	for (int i = 0; i < MAX_LISTENERS && r < 0; i++) {
		struct listener *listener = &trace->listeners[i];

		if (has_gone(listener))
			listener_end(trace, listener);
		if (listener->fd >= 0)
			continue;
		listener->fd = fd;
		listener->all = all;
		listener->lost = listener->rest_len = 0;
		trace->n_all += all;
		trace->n++;
		r = 0;
	}
	pthread_mutex_unlock(&trace->lock);
	if (r < 0)
		fd_close(fd);
	return r;
}

/* Returns the number of bytes that were sent, or -errno. */
static ssize_t send_some(int fd, const char *text, size_t len)
{
	ssize_t n = send(fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0 && errno == ENOTSOCK)
		n = write(fd, text, len);
	return n < 0 ? -errno : n;
}

int trace_past(struct trace *trace, int fd)
{
	_cleanup_(fd_closep) int owned_fd = fd;
	struct pollfd ready = { .fd = fd, .events = POLLOUT };
	_cleanup_(freep) char *text = NULL;
	int flags = fcntl(fd, F_GETFL), n;
	size_t len;

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	text = kept_text(&trace->kept, &len);
	if (!text)
		return -ENOMEM;
	for (size_t at = 0; at < len; at += (size_t)n) {
		if (poll(&ready, 1, PAST_MS) <= 0)
			return -ETIMEDOUT;
		n = (int)send_some(fd, text + at, len - at);
		if (n == -EAGAIN)
			n = 0;
		if (n < 0)
			return n;
	}
	return 0;
}

/* Returns true if there is a listener. If not, callers do nothing else for tracing. */
static bool is_on(const struct trace *trace)
{
	return atomic_load_explicit(&trace->n, memory_order_relaxed);
}

/*
 * Sends a line to a listener: first the rest of the line before, if the kernel took only a part of
 * that one. Writes the end of the line to line->text[line->len]. Caller holds the lock.
 */
static void listener_send(struct trace *trace, struct listener *listener, struct line *line)
{
	char *tail = line->text + line->len;
	size_t len = line->len;
	ssize_t n;

	if (listener->rest_len) {
		n = send_some(listener->fd, listener->rest, listener->rest_len);
		if (n < 0 && n != -EAGAIN) {
			listener_end(trace, listener);
			return;
		}
		if (n > 0) {
			listener->rest_len -= (size_t)n;
			memmove(listener->rest, listener->rest + n, listener->rest_len);
		}
		if (listener->rest_len) {
			listener->lost++;
			return;
		}
	}
	if (listener->lost)
		len += (size_t)snprintf(tail, LINE_TAIL, ",\"lost\":%lu}\n",
					(unsigned long)listener->lost);
	else
		len += (size_t)snprintf(tail, LINE_TAIL, "}\n");
	n = send_some(listener->fd, line->text, len);
	if (n == -EAGAIN) {
		listener->lost++;
		return;
	}
	if (n < 0) {
		listener_end(trace, listener);
		return;
	}
	listener->lost = 0;
	listener->rest_len = len - (size_t)n;
	memcpy(listener->rest, line->text + n, listener->rest_len);
}

static void send_all(struct trace *trace, struct line *line, bool for_all)
{
	pthread_mutex_lock(&trace->lock);
	for (int i = 0; i < MAX_LISTENERS; i++) {
		struct listener *listener = &trace->listeners[i];

		if (listener->fd >= 0 && (listener->all || for_all))
			listener_send(trace, listener, line);
	}
	pthread_mutex_unlock(&trace->lock);
}

void trace_begin(struct req *req)
{
	req->trace_ns = is_on(req->host->trace) ? clock_ns() : 0;
}

void trace_event(struct filter_call *call, const struct chain_entry *entry, enum filter_kind kind,
		 const struct pst_event *event, int error)
{
	struct req *req = call->aux;
	struct trace *trace = req->host->trace;
	const struct subject subject = {
		.fs = req->fs,
		.msg = &req->msg,
		.opcode = call->opcode,
		.node = call->node ? node_of_filter(call->node) : NULL,
		.node2 = call->node2 ? node_of_filter(call->node2) : NULL,
		.name = { call->name[0], call->name[1] },
		.uid = call->uid,
		.gid = call->gid,
		.pid = call->caller.pid,
	};
	uint32_t keep = entry->facts->keep;
	_cleanup_(freep) struct line *line = is_on(trace) || keep ? malloc(sizeof(*line)) : NULL;

	if (!line)
		return;
	line->len = 0;
	line_put_subject(line, &subject);
	if (kind == FILTER_POST)
		line_put(line, ",\"error\":%d", error ? -error : 0);
	line_put(line, ",\"event\":{\"filter\":");
	line_put_text(line, entry->facts->name);
	line_put(line, ",\"what\":");
	line_put_text(line, event->what);
	line_put(line, ",\"values\":[%lu,%lu]}", (unsigned long)event->value[0],
		 (unsigned long)event->value[1]);
	if (keep) {
		memcpy(line->text + line->len, "}", 1);
		kept_add(&trace->kept, line->text, line->len + 1, keep);
	}
	if (is_on(trace))
		send_all(trace, line, true);
}

void trace_end(struct req *req, int r)
{
	struct trace *trace = req->host->trace;
	/* A view without filters shows all operations, because it has no others to show. */
	bool for_all = req->call.filters || !req->chain;
	const struct chain_entry *decided_by = req->call.decided_by;
	const struct wire_msg *msg = &req->msg;
	struct subject subject;
	_cleanup_(freep) struct line *line = NULL;

	if (!req->trace_ns || !is_on(trace) || !(for_all || trace->n_all))
		return;
	line = malloc(sizeof(*line));
	if (!line)
		return;
	line->len = 0;
	/* Filled here, and not above, because most calls of this function have returned by now. */
	subject = (struct subject){
		.fs = req->fs,
		.msg = msg,
		.opcode = msg->head->opcode,
		.node = req->node,
		.node2 = req->node2,
		.name = { msg->name[0], msg->name[1] },
		.uid = msg->head->uid,
		.gid = msg->head->gid,
		.pid = msg->head->pid,
	};
	/* A reply "the name is absent" has error 0, but the client gets ENOENT. */
	if (r == 0 && msg->op->effect == OP_FINDS && !req->entry.node)
		r = -ENOENT;
	line_put_subject(line, &subject);
	line_put(line, ",\"error\":%d,\"ns\":%lu", r < 0 ? -r : 0,
		 (unsigned long)(clock_ns() - req->trace_ns));
	if (decided_by) {
		int verdict = req->call.verdict;
		const char *name = verdict < 0 ? strerrorname_np(-verdict) : "answered";

		line_put(line, ",\"verdict\":\"%s: %s\"", decided_by->facts->name,
			 name ? name : "?");
	}
	send_all(trace, line, for_all);
}
