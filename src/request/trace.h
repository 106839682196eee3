/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Writes the operations and events of a view as lines of JSON to listeners. */
#include "request/req.h"

struct trace;

int trace_new(struct trace **ret_trace);
struct trace *trace_free(struct trace *trace);

/*
 * Adds a listener for all operations, or only for operations that filters have handled. Takes
 * ownership of fd, a pipe or socket, even on failure, and makes it non-blocking. Returns 0, -EBUSY
 * if there are too many listeners, or another -errno.
 */
int trace_add(struct trace *trace, int fd, bool all);

/*
 * Writes the kept events to fd, a pipe or socket, oldest first. Takes ownership of fd, even on
 * failure, and closes it at the end. Waits for the reader; returns -ETIMEDOUT if it reads nothing
 * for 5 seconds, or another -errno.
 */
int trace_past(struct trace *trace, int fd);

/* Records the time when a request begins. */
void trace_begin(struct req *req);
/* Writes an event of a program. error is the result so far, for a program after the operation. */
void trace_event(struct filter_call *call, const struct chain_entry *entry, enum filter_kind kind,
		 const struct pst_event *event, int error);
/* Writes a request that ends with r. Must be called before the request puts its nodes. */
void trace_end(struct req *req, int r);
