// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The control socket of a view, by which the commands of penstock(1) reach the view, and its verbs;
 * the aux of each call is the `struct pst_view *`. A new verb is a function and a row of verbs[].
 *
 * If the FUSE view is the second tree of a view of the kernel engine, all verbs are about the FUSE
 * view alone: the commands get the rest from the module, see cmd/in-kernel.c.
 *
 *	> {"version":1,"verb":"filter-list"}
 *	< {"version":1,"filters":[{"name":"hide","spec":"hide,names=*.key",...}]}
 *	> {"version":1,"verb":"filter-add","spec":"hide,names=*.key"}
 *	> {"version":1,"verb":"filter-remove","name":"hide"}
 *	> {"version":1,"verb":"filter-replace","name":"hide","spec":"hide,names=*.pem"}
 *	> {"version":1,"verb":"trace","all":true}
 *	> {"version":1,"verb":"trace","past":true}
 *
 * The reply to the three that change filters is that of filter-list. A FILE in a spec has to be an
 * absolute path, because the working directory of this process is not the client's.
 */
#include "api/view.h"
#include "ctl/call.h"
#include "ctl/flags.h"
#include "ctl/json.h"
#include "ctl/server.h"
#include "ctl/socket.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <penstock/penstock.h>

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_BYPASSED 256 /* paths in a reply, for each filter */

/*
 * Gets all rows of a function of the library that fills an array. Calls fn(view, rows, n, &n)
 * twice: first for the number of rows, then with room for so many. Rows that are added in between
 * are left out. The caller frees *rows. Returns 0 or -errno.
 */
#define get_rows(fn, view, rows, ret_n)                                                            \
	({                                                                                         \
		size_t room_ = 0;                                                                  \
		int rows_r_ = (fn)((view), NULL, 0, &room_);                                       \
		*(ret_n) = 0;                                                                      \
		if (rows_r_ >= 0) {                                                                \
			*(rows) = calloc(room_ + 1, sizeof(**(rows)));                             \
			rows_r_ = *(rows) ? (fn)((view), *(rows), room_, (ret_n)) : -ENOMEM;       \
		}                                                                                  \
		if (*(ret_n) > room_)                                                              \
			*(ret_n) = room_;                                                          \
		rows_r_;                                                                           \
	})

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

/* Adds "filters": the names, in the order in which they run. */
static int add_filter_names(struct json_object *reply, struct pst_view *view)
{
	_cleanup_(freep) struct pst_filter *rows = NULL;
	struct json_object *names = json_add_array(reply, "filters");
	size_t n;
	int r = get_rows(view_server_filters, view, &rows, &n);

	for (size_t i = 0; r >= 0 && i < n; i++)
		json_object_array_add(names, json_text(rows[i].name));
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

	json_add_text(reply, "engine", "fuse");
	json_add_text(reply, "lower", info.lower);
	json_add_text(reply, "mountpoint", info.mountpoint);
	json_add_number(reply, "pid", getpid());
	json_add_text(reply, "program", program_invocation_short_name);
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
	json_add_text(reply, "filters_in", info.filters_in);
	json_add_text(reply, "filters_why", info.filters_why);
	json_add_bool(reply, "answers", server_served(((struct pst_view *)call->aux)->server));
	r = add_filter_names(reply, call->aux);
	return r < 0 ? r : add_ops(reply, call->aux);
}

/*
 * The client has changed flags of the view's mount: "changed" has their bits of PST_MOUNT_*,
 * "flags" the new values.
 */
static int run_remounted(struct ctl_call *call)
{
	return pst_view_remounted(call->aux, (unsigned int)json_get_number(call->request, "flags"),
				  (unsigned int)json_get_number(call->request, "changed"),
				  &call->error);
}

/* Adds the paths of open files whose data the filter does not see. */
static int add_bypassed(struct json_object *object, struct pst_view *view, const char *name)
{
	_cleanup_(freep) struct pst_bypassed *rows = calloc(MAX_BYPASSED, sizeof(*rows));
	struct json_object *paths = json_add_array(object, "bypassed");
	size_t n;
	int r;

	if (!rows)
		return -ENOMEM;
	r = pst_view_bypassed(view, name, rows, MAX_BYPASSED, &n);
	/* The filter may have been removed in between. */
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	for (size_t i = 0; i < n && i < MAX_BYPASSED; i++)
		json_object_array_add(paths, json_text(rows[i].path));
	return 0;
}

static int run_filter_list(struct ctl_call *call)
{
	_cleanup_(freep) struct pst_filter *rows = NULL;
	struct json_object *filters = json_add_array(call->reply, "filters");
	size_t n;
	int r = get_rows(view_server_filters, call->aux, &rows, &n);

	for (size_t i = 0; r >= 0 && i < n; i++) {
		struct json_object *filter = json_append_object(filters);

		json_add_text(filter, "name", rows[i].name);
		json_add_text(filter, "spec", rows[i].spec);
		json_add_text(filter, "file", rows[i].file);
		json_add_text(filter, "summary", rows[i].summary);
		json_add_text(filter, "at", rows[i].at);
		json_object_object_add(filter, "flags", flags_to_json(rows[i].flags));
		json_add_number(filter, "n_bypassed", rows[i].n_bypassed);
		if (rows[i].n_bypassed)
			r = add_bypassed(filter, call->aux, rows[i].name);
	}
	return r < 0 ? r : 0;
}

static int run_filter_stat(struct ctl_call *call)
{
	_cleanup_(freep) struct pst_filter_stat *rows = NULL;
	struct json_object *programs = json_add_array(call->reply, "programs");
	size_t n;
	int r = get_rows(view_server_stats, call->aux, &rows, &n);

	for (size_t i = 0; r >= 0 && i < n; i++) {
		struct json_object *program = json_append_object(programs);

		json_add_text(program, "filter", rows[i].filter);
		json_add_text(program, "program", rows[i].program);
		json_add_number(program, "runs", rows[i].n_runs);
		json_add_number(program, "errors", rows[i].n_errors);
		json_add_number(program, "answered", rows[i].n_done);
		json_add_number(program, "bad", rows[i].n_bad);
		json_add_number(program, "ns", rows[i].ns);
	}
	return r;
}

static int run_filter_add(struct ctl_call *call)
{
	int r = view_server_change(call->aux, NULL, call->texts[0], &call->error);

	return r < 0 ? r : run_filter_list(call);
}

static int run_filter_remove(struct ctl_call *call)
{
	int r = view_server_change(call->aux, call->texts[0], NULL, &call->error);

	return r < 0 ? r : run_filter_list(call);
}

static int run_filter_replace(struct ctl_call *call)
{
	int r = view_server_change(call->aux, call->texts[0], call->texts[1], &call->error);

	return r < 0 ? r : run_filter_list(call);
}

static int take_trace(struct ctl_call *call, int fd)
{
	if (json_get_bool(call->request, "past"))
		return view_server_trace_past(call->aux, fd, &call->error);
	return view_server_trace(call->aux, fd, json_get_bool(call->request, "all"), &call->error);
}

static int run_trace(struct ctl_call *call)
{
	call->take = take_trace;
	return 0;
}

static const struct ctl_verb verbs[] = {
	{ "stat", run_stat },
	{ "remounted", run_remounted },
	{ "filter-list", run_filter_list },
	{ "filter-stat", run_filter_stat },
	{ "filter-add", run_filter_add, { "spec" }, .slow = true },
	{ "filter-remove", run_filter_remove, { "name" }, .slow = true },
	{ "filter-replace", run_filter_replace, { "name", "spec" }, .slow = true },
	{ "trace", run_trace },
};

int view_control_start(struct pst_view *view, enum pst_control control, struct pst_error *error)
{
	char path[CTL_PATH_MAX];
	struct ctl_server_options options = {
		.path = path,
		.verbs = verbs,
		.n_verbs = sizeof(verbs) / sizeof(verbs[0]),
		.aux = view,
	};
	struct pst_error why;
	int r;

	if (control == PST_CONTROL_OFF)
		return 0;
	ctl_remove_dead();
	ctl_socket_path(CTL_PLACE_RUN, view->connection, path);
	r = ctl_server_start(&options, &view->control);
	if (r < 0 && ctl_socket_path(CTL_PLACE_USER, view->connection, path))
		r = ctl_server_start(&options, &view->control);
	if (r == 0)
		return 0;
	error_set(&why, r,
		  "cannot make the control socket %s of the view at %s: %s: `penstock stat`, "
		  "`filter` and `trace` will not work for the view; set XDG_RUNTIME_DIR if "
		  "/run/penstock is not writable",
		  path, view->mountpoint, strerror(-r));
	if (control == PST_CONTROL_ON)
		return error_set(error, r, "%s", why.text);
	log_warning("%s", why.text);
	return 0;
}
