// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The verbs of a view's control socket. A new verb is a function, here or in a file of its own, and
 * a row at the end of this file.
 */
#include "ctl/verbs.h"
#include "ctl/json.h"
#include "ctl/rows.h"
#include "ctl/verbs-filter.h"
#include "util/cleanup.h"

#include <penstock/penstock.h>

#include <json-c/json.h>
#include <stdio.h>
#include <unistd.h>

/* Adds {"LOOKUP":{"requests":10,"errors":1},...}. */
static int add_ops(struct json_object *reply, struct pst_view *view)
{
	_cleanup_(freep) struct pst_op_stat *rows = NULL;
	struct json_object *ops = json_add_object(reply, "ops");
	size_t n;
	int r = get_rows(pst_view_op_stats, view, &rows, &n);

	for (size_t i = 0; r >= 0 && i < n; i++) {
		struct json_object *op = json_add_object(ops, rows[i].name);

		json_add_number(op, "requests", rows[i].n_requests);
		json_add_number(op, "errors", rows[i].n_errors);
	}
	return r;
}

/* Replies with facts and counters of the view. */
static int run_stat(struct ctl_call *call)
{
	struct pst_view_info info = { .size = sizeof(info) };
	struct json_object *reply = call->reply;
	char kernel[32];
	int r;

	r = pst_view_info(call->aux, &info);
	if (r < 0)
		return r;
	snprintf(kernel, sizeof(kernel), "%u.%u", info.kernel_major, info.kernel_minor);

	json_add_text(reply, "lower", info.lower);
	json_add_text(reply, "mountpoint", info.mountpoint);
	json_add_number(reply, "pid", getpid());
	json_add_number(reply, "connection", pst_view_connection(call->aux));
	json_add_text(reply, "transport", info.transport);
	json_add_text(reply, "transport_why", info.transport_why);
	json_add_bool(reply, "passthrough", info.passthrough);
	json_add_text(reply, "passthrough_why", info.passthrough_why);
	json_add_text(reply, "kernel", kernel);
	json_add_number(reply, "workers", info.n_workers);
	json_add_number(reply, "nodes", info.n_nodes);
	json_add_number(reply, "node_bytes", info.node_bytes);
	json_add_number(reply, "handles", info.n_handles);
	json_add_number(reply, "fds", info.n_fds);
	json_add_number(reply, "backings", info.n_backings);
	json_add_number(reply, "registered", info.n_registered);
	json_add_number(reply, "refused", info.n_refused);
	json_add_number(reply, "watched", info.n_watched);
	json_add_number(reply, "events", info.n_events);
	json_add_number(reply, "own_events", info.n_own_events);
	json_add_number(reply, "overflows", info.n_overflows);
	r = verb_add_filter_names(reply, call->aux);
	return r < 0 ? r : add_ops(reply, call->aux);
}

/*
 * The client has changed flags of the view's mount: "changed" has their bits of PST_MOUNT_*,
 * "flags" the new values.
 */
static int run_remounted(struct ctl_call *call)
{
	struct pst_error error;
	int r = pst_view_remounted(call->aux, (unsigned int)json_get_number(call->request, "flags"),
				   (unsigned int)json_get_number(call->request, "changed"), &error);

	if (r < 0)
		snprintf(call->error, sizeof(call->error), "%s", error.text);
	return r;
}

const struct ctl_verb ctl_verbs[] = {
	{ "stat", run_stat },
	{ "remounted", run_remounted },
	{ "filter-list", verb_filter_list },
	{ "filter-stat", verb_filter_stat },
	{ "filter-add", verb_filter_add, { "spec" }, .slow = true },
	{ "filter-remove", verb_filter_remove, { "name" }, .slow = true },
	{ "filter-replace", verb_filter_replace, { "name", "spec" }, .slow = true },
	{ "trace", verb_trace },
};

const size_t ctl_n_verbs = sizeof(ctl_verbs) / sizeof(ctl_verbs[0]);
