// SPDX-License-Identifier: LGPL-2.1-or-later
/* Facts, counters and traces of a view: public functions of the library. */
#include "api/view.h"
#include "api/struct-size.h"
#include "ebpf/filter.h"
#include "request/trace.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

unsigned int pst_view_connection(const struct pst_view *view)
{
	return view->connection;
}

int pst_view_info(struct pst_view *view, struct pst_view_info *ret_info)
{
	const struct filter_slots *slots = NULL;
	const char *where = view->kernel ? "kernel" : "", *why = "";
	struct pst_view_info info;
	struct fs_stat stat = { 0 };

	if (view->server) {
		fs_stat(server_fs(view->server), &stat);
		slots = server_filter_slots(view->server);
	}
	if (slots && !view->kernel)
		where = filter_slots_where(slots, &why);
	info = (struct pst_view_info){
		.lower = view->lower,
		.mountpoint = view->mountpoint,
		.transport = !view->server ? "" :
			     view->uring   ? "uring" :
					     "dev",
		.transport_why = view->transport_why,
		.passthrough = view->server && !view->passthrough_why[0],
		.passthrough_why = view->server ? view->passthrough_why : "",
		.kernel_major = view->negotiated.major,
		.kernel_minor = view->negotiated.minor,
		.n_workers = view->n_workers,
		.kernel_flags = view->negotiated.features,
		.n_nodes = stat.nodes.n_nodes,
		.n_handles = stat.n_handles,
		.n_fds = stat.n_fds,
		.n_backings = stat.n_backings,
		.n_registered = stat.n_registered,
		.n_refused = stat.n_refused,
		.node_bytes = stat.nodes.bytes,
		.n_watched = stat.n_watched,
		.n_events = stat.n_events,
		.n_own_events = stat.n_own_events,
		.n_overflows = stat.n_overflows,
		.filters_in = where,
		.filters_why = why,
		.engine = view->kernel ? "kernel" : "fuse",
	};
	return struct_copy_out(&info, sizeof(info), ret_info);
}

static int refuse_trace(int fd, struct pst_error *error)
{
	close(fd);
	return error_set(error, -EOPNOTSUPP,
			 "pst_view_trace() cannot trace a view of the kernel engine; use `penstock "
			 "trace`");
}

int view_server_trace_past(struct pst_view *view, int fd, struct pst_error *error)
{
	int r = trace_past(server_trace(view->server), fd);

	return r < 0 ? error_set(error, r, "cannot write the kept events: %s", strerror(-r)) : 0;
}

int view_server_trace(struct pst_view *view, int fd, bool all, struct pst_error *error)
{
	int r = trace_add(server_trace(view->server), fd, all);

	return r < 0 ? error_set(error, r, "cannot start the trace: %s", strerror(-r)) : 0;
}

int pst_view_trace_past(struct pst_view *view, int fd, struct pst_error *error)
{
	return view->kernel ? refuse_trace(fd, error) : view_server_trace_past(view, fd, error);
}

int pst_view_trace(struct pst_view *view, int fd, int all, struct pst_error *error)
{
	return view->kernel ? refuse_trace(fd, error) : view_server_trace(view, fd, all, error);
}

int pst_view_op_stats(struct pst_view *view, struct pst_op_stat *rows, size_t n, size_t *ret_n)
{
	size_t found = 0;

	for (uint32_t opcode = 0; view->server && opcode < OP_MAX; opcode++) {
		const struct op *op = op_find(opcode);
		struct pst_op_stat row = { .opcode = opcode };

		if (!op)
			continue;
		server_op_stat(view->server, opcode, &row.n_requests, &row.n_errors);
		if (!row.n_requests)
			continue;
		row.name = op->name;
		if (found < n)
			rows[found] = row;
		found++;
	}
	*ret_n = found;
	return 0;
}
