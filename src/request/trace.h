/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What happens in a view, as lines of JSON for whoever traces it. */
#include "request/req.h"

struct trace;

int trace_new(struct trace **ret_trace);
struct trace *trace_free(struct trace *trace);

/* Starts writing to fd (taken): of all operations, or of those that filters saw. 0 or -errno. */
int trace_add(struct trace *trace, int fd, bool all);

/* Whether anybody listens: the rest costs nothing while nobody does. */
bool trace_on(const struct trace *trace);

/* The request begins: notes the time. */
void trace_begin(struct req *req);
/* A program of a filter has left an event; error: the result so far, after the operation. */
void trace_event(struct trace *trace, struct fs *fs, const struct filter_call *call,
		 const struct chain_entry *entry, enum filter_kind kind,
		 const struct pst_event *event, int error);
/* The request ends with r. Its nodes are still held. */
void trace_end(struct req *req, int r);
