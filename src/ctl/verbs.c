// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The verbs of a view's control socket. A new one is a function, here or in a file for its kind, and
 * a row at the end of this file.
 */
#include "ctl/verbs.h"
#include "ctl/verbs-filter.h"
#include "ctl/json.h"
#include "util/cleanup.h"

#include <penstock/penstock.h>

#include <errno.h>
#include <json-c/json.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

static void add_string(struct json_object *object, const char *name, const char *value)
{
	json_object_object_add(object, name, json_text(value ? value : ""));
}

static void add_number(struct json_object *object, const char *name, uint64_t value)
{
	json_object_object_add(object, name, json_object_new_uint64(value));
}

/* Adds {"LOOKUP":{"requests":10,"errors":1},...}. */
static int add_ops(struct json_object *reply, struct pst_view *view)
{
	_cleanup_(freep) struct pst_op_stat *rows = NULL;
	struct json_object *ops = json_object_new_object();
	size_t n, room = 0;
	int r;

	json_object_object_add(reply, "ops", ops);
	r = pst_view_op_stats(view, NULL, 0, &n);
	if (r < 0 || n == 0)
		return r;
	/* An operation may be seen for the first time in between: the list is cut off there. */
	rows = calloc(n, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	room = n;
	r = pst_view_op_stats(view, rows, room, &n);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n && i < room; i++) {
		struct json_object *op = json_object_new_object();

		add_number(op, "requests", rows[i].n_requests);
		add_number(op, "errors", rows[i].n_errors);
		json_object_object_add(ops, rows[i].name, op);
	}
	return 0;
}

/* Facts and counters of the view. */
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

	add_string(reply, "lower", info.lower);
	add_string(reply, "mountpoint", info.mountpoint);
	add_number(reply, "pid", getpid());
	add_number(reply, "connection", pst_view_connection(call->aux));
	add_string(reply, "transport", info.transport);
	add_string(reply, "transport_why", info.transport_why);
	json_object_object_add(reply, "passthrough", json_object_new_boolean(info.passthrough));
	add_string(reply, "passthrough_why", info.passthrough_why);
	add_string(reply, "kernel", kernel);
	add_number(reply, "workers", info.n_workers);
	add_number(reply, "nodes", info.n_nodes);
	add_number(reply, "node_bytes", info.node_bytes);
	add_number(reply, "handles", info.n_handles);
	add_number(reply, "fds", info.n_fds);
	add_number(reply, "backings", info.n_backings);
	add_number(reply, "registered", info.n_registered);
	add_number(reply, "refused", info.n_refused);
	add_number(reply, "watched", info.n_watched);
	add_number(reply, "events", info.n_events);
	add_number(reply, "own_events", info.n_own_events);
	add_number(reply, "overflows", info.n_overflows);
	r = verb_add_filter_names(reply, call->aux);
	return r < 0 ? r : add_ops(reply, call->aux);
}

/* The flags of the view's mount have been changed: "changed" are bits of PST_MOUNT_*, "flags" their values. */
static int run_remounted(struct ctl_call *call)
{
	struct json_object *flags, *changed;
	struct pst_error error;
	int r;

	if (!json_object_object_get_ex(call->request, "flags", &flags) ||
	    !json_object_object_get_ex(call->request, "changed", &changed))
		return -EINVAL;
	r = pst_view_remounted(call->aux, (unsigned int)json_object_get_int64(flags),
			       (unsigned int)json_object_get_int64(changed), &error);
	if (r < 0)
		snprintf(call->error, sizeof(call->error), "%s", error.text);
	return r;
}

const struct ctl_verb ctl_verbs[] = {
	{ "stat", run_stat },
	{ "remounted", run_remounted },
	{ "filter-list", verb_filter_list },
	{ "filter-stat", verb_filter_stat },
	{ "filter-add", verb_filter_add, .slow = true },
	{ "filter-remove", verb_filter_remove, .slow = true },
	{ "filter-replace", verb_filter_replace, .slow = true },
	{ "trace", verb_trace },
};

const size_t ctl_n_verbs = sizeof(ctl_verbs) / sizeof(ctl_verbs[0]);
