/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One program of one filter on a request. A filter that fails, or leaves what cannot be, fails the one
 * operation with EIO and is counted.
 */
#include "core/program.h"
#include "core/frame.h"
#include "core/trace.h"
#include "util/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The number that a program of a filter goes by. */
static uint32_t program_of(const struct req *req, enum filter_kind kind)
{
	return kind == FILTER_NAME ? 0 : filter_opcode(req->msg.head->opcode);
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
			  kind == FILTER_NAME ? "" : filter_op_name(opcode), what);
	return -EIO;
}

int program_bad(struct req *req, const struct link *link, enum filter_kind kind, const char *what)
{
	filter_count_bad(link->filter, kind, program_of(req, kind));
	return program_failed(req, link, kind, what);
}

/* Runs a program of a filter. Returns its verdict, or -EIO with *ret_bad set. */
int program_run(struct req *req, struct link *link, enum filter_kind kind, bool *ret_bad)
{
	int verdict, r;

	frame_enter(req, link);
	r = filter_run(link->filter, kind, program_of(req, kind), req->number, &verdict);
	*ret_bad = r < 0;
	if (r < 0) {
		char what[80];

		snprintf(what, sizeof(what), "could not be run (%s)", strerror(-r));
		return program_failed(req, link, kind, what);
	}
	if (frame_of(req)->child.held > 1) {
		*ret_bad = true;
		return program_bad(req, link, kind, "left what is neither 0 nor 1 in child.held");
	}
	frame_leave(req, link);
	if (frame_of(req)->n_events)
		trace_events(req, link);
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
