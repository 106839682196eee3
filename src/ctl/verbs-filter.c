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
 * The three that change something answer with the list that holds then. Who asks may fill in the
 * FILE of a spec as an absolute path only: the working directory here is not the user's.
 */
#include "ctl/verbs-filter.h"
#include "ctl/flags.h"
#include "ctl/json.h"
#include "util/cleanup.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum {
	MAX_BYPASSED = 256,		/* paths in a reply, for each filter */
};

static void add_string(struct json_object *object, const char *name, const char *value)
{
	json_object_object_add(object, name, json_text(value));
}

static void add_number(struct json_object *object, const char *name, uint64_t value)
{
	json_object_object_add(object, name, json_object_new_uint64(value));
}

/* The filters of the view, for free(). They may become more in between: then the rest is missing. */
static int get_filters(struct pst_view *view, struct pst_filter **ret_rows, size_t *ret_n)
{
	_cleanup_(freep) struct pst_filter *rows = NULL;
	size_t n, room;
	int r;

	r = pst_view_filters(view, NULL, 0, &room);
	if (r < 0)
		return r;
	rows = calloc(room + 1, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	r = pst_view_filters(view, rows, room, &n);
	if (r < 0)
		return r;
	*ret_n = n < room ? n : room;
	*ret_rows = take_ptr(rows);
	return 0;
}

/* Adds the paths of the files that a filter does not see the data of. */
static int add_bypassed(struct json_object *object, struct pst_view *view, const char *name)
{
	_cleanup_(freep) struct pst_bypassed *rows = calloc(MAX_BYPASSED, sizeof(*rows));
	struct json_object *paths = json_object_new_array();
	size_t n;
	int r;

	json_object_object_add(object, "bypassed", paths);
	if (!rows)
		return -ENOMEM;
	r = pst_view_bypassed(view, name, rows, MAX_BYPASSED, &n);
	/* The filter may be gone in the meantime. */
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	for (size_t i = 0; i < n && i < MAX_BYPASSED; i++)
		json_object_array_add(paths, json_text(rows[i].path));
	return 0;
}

static int add_filters(struct json_object *reply, struct pst_view *view)
{
	_cleanup_(freep) struct pst_filter *rows = NULL;
	struct json_object *filters = json_object_new_array();
	size_t n = 0;
	int r;

	json_object_object_add(reply, "filters", filters);
	r = get_filters(view, &rows, &n);
	for (size_t i = 0; r >= 0 && i < n; i++) {
		struct json_object *filter = json_object_new_object();

		json_object_array_add(filters, filter);
		add_string(filter, "name", rows[i].name);
		add_string(filter, "spec", rows[i].spec);
		add_string(filter, "file", rows[i].file);
		add_string(filter, "summary", rows[i].summary);
		add_string(filter, "at", rows[i].at);
		json_object_object_add(filter, "flags", flags_to_json(rows[i].flags));
		add_number(filter, "n_bypassed", rows[i].n_bypassed);
		if (rows[i].n_bypassed)
			r = add_bypassed(filter, view, rows[i].name);
	}
	return r < 0 ? r : 0;
}

int verb_add_filter_names(struct json_object *reply, struct pst_view *view)
{
	_cleanup_(freep) struct pst_filter *rows = NULL;
	struct json_object *names = json_object_new_array();
	size_t n = 0;
	int r;

	json_object_object_add(reply, "filters", names);
	r = get_filters(view, &rows, &n);
	for (size_t i = 0; i < n; i++)
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
	struct json_object *programs = json_object_new_array();
	size_t n, room;
	int r;

	json_object_object_add(call->reply, "programs", programs);
	r = pst_view_filter_stats(call->aux, NULL, 0, &room);
	if (r < 0)
		return r;
	rows = calloc(room + 1, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	r = pst_view_filter_stats(call->aux, rows, room, &n);
	for (size_t i = 0; r >= 0 && i < n && i < room; i++) {
		struct json_object *program = json_object_new_object();

		json_object_array_add(programs, program);
		add_string(program, "filter", rows[i].filter);
		add_string(program, "program", rows[i].program);
		add_number(program, "runs", rows[i].n_runs);
		add_number(program, "errors", rows[i].n_errors);
		add_number(program, "answered", rows[i].n_done);
		add_number(program, "bad", rows[i].n_bad);
		add_number(program, "ns", rows[i].ns);
	}
	return r;
}

/* A member of the request that has to be a text, for free(). */
static int get_text(struct ctl_call *call, const char *member, char **ret_text)
{
	struct json_object *value;

	if (!json_object_object_get_ex(call->request, member, &value) ||
	    !json_object_is_type(value, json_type_string)) {
		snprintf(call->error, sizeof(call->error), "the request has no \"%s\"", member);
		return -EBADMSG;
	}
	*ret_text = json_copy_text(call->request, member);
	return *ret_text ? 0 : -ENOMEM;
}

/* After a change: what failed, or what holds now. */
static int finish(struct ctl_call *call, int r, const struct pst_error *error)
{
	if (r >= 0)
		return add_filters(call->reply, call->aux);
	snprintf(call->error, sizeof(call->error), "%s", error->text);
	return r;
}

int verb_filter_add(struct ctl_call *call)
{
	_cleanup_(freep) char *spec = NULL;
	struct pst_error error = { 0 };
	int r;

	r = get_text(call, "spec", &spec);
	if (r < 0)
		return r;
	return finish(call, pst_view_filter_add(call->aux, spec, &error), &error);
}

int verb_filter_remove(struct ctl_call *call)
{
	_cleanup_(freep) char *name = NULL;
	struct pst_error error = { 0 };
	int r;

	r = get_text(call, "name", &name);
	if (r < 0)
		return r;
	return finish(call, pst_view_filter_remove(call->aux, name, &error), &error);
}

int verb_filter_replace(struct ctl_call *call)
{
	_cleanup_(freep) char *name = NULL;
	_cleanup_(freep) char *spec = NULL;
	struct pst_error error = { 0 };
	int r;

	r = get_text(call, "name", &name);
	if (r >= 0)
		r = get_text(call, "spec", &spec);
	if (r < 0)
		return r;
	return finish(call, pst_view_filter_replace(call->aux, name, spec, &error), &error);
}

static int take_trace(struct ctl_call *call, int fd)
{
	struct pst_error error = { 0 };
	struct json_object *all = NULL;
	int r;

	json_object_object_get_ex(call->request, "all", &all);
	r = pst_view_trace(call->aux, fd, json_object_get_boolean(all), &error);
	if (r < 0)
		snprintf(call->error, sizeof(call->error), "%s", error.text);
	return r;
}

int verb_trace(struct ctl_call *call)
{
	call->take = take_trace;
	return 0;
}
