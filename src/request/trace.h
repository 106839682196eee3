/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What happens in a view, as lines of JSON for whoever traces it. */
#include "filter/chain.h"
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
/* The last program has left events; it has decided the request. */
void trace_events(struct req *req, const struct link *link, enum filter_kind kind);
void trace_verdict(struct req *req, const struct link *link, int verdict);
/* The request ends with r. Its nodes are still held. */
void trace_end(struct req *req, int r);
