// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * One program of one filter on a request. A filter that fails, or leaves what cannot be, fails the one
 * operation with EIO and is counted.
 */
#include "filter/run-program.h"
#include "filter/call.h"
#include "request/trace.h"
#include "util/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The number that a program of a filter goes by. */
static uint32_t program_of(const struct req *req, enum filter_kind kind)
{
	return kind == FILTER_NAME ? 0 : op_filter_opcode(req->msg.head->opcode);
}

/* The filter is at fault: said once for each filter and operation, counted always. */
static int program_failed(struct req *req, const struct link *link, enum filter_kind kind,
			  const char *what)
{
	static const char *const kinds[] = { "pre/", "post/", "name" };
	const struct filter_facts *facts = filter_facts(link->filter);
	uint32_t opcode = program_of(req, kind);
	struct filter_count count;

	filter_stat(link->filter, kind, opcode, &count);
	if (count.n_bad == 1)
		log_error("filter %s: its program %s%s %s; the operation failed with EIO. Further "
			  "failures are counted (`penstock filter stat`), not logged",
			  facts->name, kinds[kind],
			  kind == FILTER_NAME ? "" : op_filter_name(opcode), what);
	return -EIO;
}

int program_bad(struct req *req, const struct link *link, enum filter_kind kind, const char *what)
{
	filter_count_bad(link->filter, kind, program_of(req, kind));
	return program_failed(req, link, kind, what);
}

static int not_run(struct req *req, const struct link *link, enum filter_kind kind, int r)
{
	char what[80];

	snprintf(what, sizeof(what), "could not be run (%s)", strerror(-r));
	return program_failed(req, link, kind, what);
}

/* What a program has left that nothing would be done with, in words; NULL: nothing. */
static const char *undone(const struct req *req, const struct link *link)
{
	const struct chain *chain = req->chain;
	const struct pst_call *call = frame_of(req);

	if (call->child.held > 1)
		return "left what is neither 0 nor 1 in child.held";
	if (!link->cells && (call->cell || call->child.cell))
		return "set a cell, and its filter does not declare PST_CELLS";
	/* It may be another's. */
	if (call->delay_us && !(chain->delays & req->filters))
		return "set delay_us, and its filter does not declare PST_DELAYS";
	return NULL;
}

/* A program has been run: whether it left what can be, and what of it is taken over. */
static int settle(struct req *req, struct link *link, enum filter_kind kind, int verdict,
		  bool *ret_bad)
{
	const char *wrong = undone(req, link);

	if (wrong) {
		*ret_bad = true;
		return program_bad(req, link, kind, wrong);
	}
	frame_leave(req, link);
	if (frame_of(req)->n_events)
		trace_events(req, link, kind);
	if (verdict > PST_SERVE || verdict <= -512) {
		*ret_bad = true;
		return program_bad(req, link, kind, "returned what is no verdict");
	}
	/* The kernel would take it for "no file of this view can do that", for ever. */
	if (verdict == -ENOSYS)
		verdict = -EOPNOTSUPP;
	if (verdict)
		trace_verdict(req, link, verdict);
	return verdict;
}

int program_run(struct req *req, struct link *link, enum filter_kind kind, bool *ret_bad)
{
	int verdict, r;

	frame_enter(req, link);
	r = filter_run(link->filter, kind, program_of(req, kind), req->number, &verdict);
	*ret_bad = r < 0;
	return r < 0 ? not_run(req, link, kind, r) : settle(req, link, kind, verdict, ret_bad);
}

int program_run_listed(struct req *req, struct link *link, unsigned int first, unsigned int n,
		       unsigned int *ret_at, bool *ret_bad)
{
	const struct pst_call *call = frame_of(req);
	unsigned int n_asked;
	int r;

	*ret_at = first;
	frame_enter(req, link);
	r = filter_run_looked_up(link->filter, req->number, first, n);
	*ret_bad = r < 0;
	if (r < 0)
		return not_run(req, link, FILTER_PRE, r);
	n_asked = call->n_asked;
	if (n_asked <= first || n_asked > first + n) {
		*ret_bad = true;
		return program_bad(req, link, FILTER_PRE, "lost count of the names of a listing");
	}
	*ret_at = n_asked - 1;
	return settle(req, link, FILTER_PRE, call->listed[n_asked - 1].verdict, ret_bad);
}
