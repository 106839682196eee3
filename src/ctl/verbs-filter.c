// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The verbs about filters, and the trace.
 *
 *	> {"version":1,"verb":"filter-list"}
 *	< {"version":1,"filters":[{"name":"hide","spec":"hide,names=*.key",...}]}
 *	> {"version":1,"verb":"filter-add","spec":"hide,names=*.key"}
 *	> {"version":1,"verb":"filter-remove","name":"hide"}
 *	> {"version":1,"verb":"filter-replace","name":"hide","spec":"hide,names=*.pem"}
 *	> {"version":1,"verb":"trace","all":true}
 *
 * The reply to the three that change filters is that of filter-list. A FILE in a spec has to be an
 * absolute path, because the working directory of this process is not the client's.
 */
#include "ctl/verbs-filter.h"
#include "ctl/flags.h"
#include "ctl/json.h"
#include "ctl/rows.h"
#include "util/cleanup.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>

#define MAX_BYPASSED 256 /* paths in a reply, for each filter */

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

static int add_filters(struct json_object *reply, struct pst_view *view)
{
	_cleanup_(freep) struct pst_filter *rows = NULL;
	struct json_object *filters = json_add_array(reply, "filters");
	size_t n;
	int r = get_rows(pst_view_filters, view, &rows, &n);

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
			r = add_bypassed(filter, view, rows[i].name);
	}
	return r < 0 ? r : 0;
}

int verb_add_filter_names(struct json_object *reply, struct pst_view *view)
{
	_cleanup_(freep) struct pst_filter *rows = NULL;
	struct json_object *names = json_add_array(reply, "filters");
	size_t n;
	int r = get_rows(pst_view_filters, view, &rows, &n);

	for (size_t i = 0; r >= 0 && i < n; i++)
		json_object_array_add(names, json_text(rows[i].name));
	return r;
}

int verb_filter_list(struct ctl_call *call)
{
	return add_filters(call->reply, call->aux);
}

int verb_filter_stat(struct ctl_call *call)
{
	_cleanup_(freep) struct pst_filter_stat *rows = NULL;
	struct json_object *programs = json_add_array(call->reply, "programs");
	size_t n;
	int r = get_rows(pst_view_filter_stats, call->aux, &rows, &n);

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

/* Fills the reply after a change: the error, or the filters. */
static int finish(struct ctl_call *call, int r, const struct pst_error *error)
{
	if (r >= 0)
		return add_filters(call->reply, call->aux);
	snprintf(call->error, sizeof(call->error), "%s", error->text);
	return r;
}

int verb_filter_add(struct ctl_call *call)
{
	struct pst_error error = { 0 };

	return finish(call, pst_view_filter_add(call->aux, call->texts[0], &error), &error);
}

int verb_filter_remove(struct ctl_call *call)
{
	struct pst_error error = { 0 };

	return finish(call, pst_view_filter_remove(call->aux, call->texts[0], &error), &error);
}

int verb_filter_replace(struct ctl_call *call)
{
	struct pst_error error = { 0 };

	return finish(call,
		      pst_view_filter_replace(call->aux, call->texts[0], call->texts[1], &error),
		      &error);
}

static int take_trace(struct ctl_call *call, int fd)
{
	struct pst_error error = { 0 };
	int r = pst_view_trace(call->aux, fd, json_get_bool(call->request, "all"), &error);

	if (r < 0)
		snprintf(call->error, sizeof(call->error), "%s", error.text);
	return r;
}

int verb_trace(struct ctl_call *call)
{
	call->take = take_trace;
	return 0;
}
