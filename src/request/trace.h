/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Writes the operations and events of a view as lines of JSON to those who trace it. */
#include "request/req.h"

struct trace;

int trace_new(struct trace **ret_trace);
struct trace *trace_free(struct trace *trace);

/* Starts writing to fd (taken): all operations, or those that filters handled. 0 or -errno. */
int trace_add(struct trace *trace, int fd, bool all);

/* Records the time when a request begins. */
void trace_begin(struct req *req);
/* A program of a filter has left an event; error: the result so far, after the operation. */
void trace_event(struct trace *trace, struct fs *fs, const struct filter_call *call,
		 const struct chain_entry *entry, enum filter_kind kind,
		 const struct pst_event *event, int error);
/* Writes the request, which ends with r. To be called while its nodes are held. */
void trace_end(struct req *req, int r);
