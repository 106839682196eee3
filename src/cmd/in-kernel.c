// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Answers the verbs of the control socket (api/view-control.c) for views of the kernel engine, from
 * the files that the module has for each view, and changes their filters. No state, no locks.
 */
#include "cmd/in-kernel.h"
#include "cmd/ask.h"
#include "cmd/cmd.h"
#include "cmd/second.h"
#include "ctl/client.h"
#include "ctl/flags.h"
#include "ctl/json.h"
#include "ctl/proto.h"
#include "kernel/change.h"
#include "kernel/control.h"
#include "kernel/second.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/mountinfo.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Fills a reply. Returns 0 or -errno. */
typedef int (*fill_fn)(const struct mounts_view *view, struct json_object *reply);

/* Facts that only the program needs. */
static bool is_internal(const char *fact)
{
	return strcmp(fact, "slots") == 0 || strcmp(fact, "inode") == 0;
}

unsigned int in_kernel_second(const struct mounts_view *view)
{
	_cleanup_(freep) char *device = kernel_control_find(view->connection, "view", "serve");
	unsigned int major, minor;

	if (!device || sscanf(device, "%u:%u", &major, &minor) != 2)
		return 0;
	return mountinfo_connection(major, minor);
}

/* Connects to the process of the second tree. Returns a descriptor or -errno. */
static int open_second(const struct mounts_view *view)
{
	unsigned int connection = in_kernel_second(view);
	char socket[CTL_PATH_MAX];

	return connection ? ctl_client_find(connection, 0, socket) : -ENOENT;
}

/*
 * Asks the process of the second tree. Returns its reply and the connection, or NULL if there is no
 * process or no answer.
 */
static struct json_object *call_second(const struct mounts_view *view, const char *verb,
				       struct json_object *arguments, int *ret_fd)
{
	_cleanup_(fd_closep) int fd = open_second(view);
	struct json_object *reply = NULL;

	if (fd >= 0 && ctl_client_call(fd, verb, arguments, ASK_MS, &reply) == 0 &&
	    !ctl_reply_error(reply)) {
		*ret_fd = take_fd(&fd);
		return reply;
	}
	json_object_put(reply);
	return NULL;
}

static struct json_object *ask_second(const struct mounts_view *view, const char *verb)
{
	_cleanup_(fd_closep) int fd = -1;

	return call_second(view, verb, NULL, &fd);
}

int in_kernel_trace_second(const struct mounts_view *view, struct json_object *arguments)
{
	int fd = -1;

	json_object_put(call_second(view, "trace", arguments, &fd));
	return fd;
}

static int add_filter_names(const struct mounts_view *view, struct json_object *reply)
{
	_cleanup_(kernel_table_fini) struct kernel_table table = { 0 };
	int r = kernel_table_read(view->connection, "filters", &table);
	struct json_object *names = json_add_array(reply, "filters");
	char *name;

	while (r == 0 && kernel_table_next(&table, &name, 1))
		json_object_array_add(names, json_text(name));
	return r;
}

static int fill_stat(const struct mounts_view *view, struct json_object *reply)
{
	_cleanup_(kernel_table_fini) struct kernel_table table = { 0 };
	int r = kernel_table_read(view->connection, "view", &table);
	struct json_object *second;
	char *columns[2];

	json_add_text(reply, "mountpoint", view->mountpoint);
	while (r == 0 && kernel_table_next(&table, columns, 2))
		if (!is_internal(columns[0]))
			json_add_text(reply,
				      strcmp(columns[0], "version") == 0 ? "interface" : columns[0],
				      columns[1]);
	second = ask_second(view, "stat");
	if (second)
		json_object_object_add(reply, "second", second);
	return r < 0 ? r : add_filter_names(view, reply);
}

static int fill_filter_list(const struct mounts_view *view, struct json_object *reply)
{
	static const char *const members[] = { "name", "spec", "file", "summary", "at" };
	_cleanup_(kernel_table_fini) struct kernel_table table = { 0 };
	int r = kernel_table_read(view->connection, "filters", &table);
	struct json_object *filters = json_add_array(reply, "filters");
	char *columns[6];

	while (r == 0 && kernel_table_next(&table, columns, 6)) {
		struct json_object *filter = json_append_object(filters);

		for (int i = 0; i < 5; i++)
			json_add_text(filter, members[i], columns[i]);
		json_object_object_add(filter, "flags",
				       flags_to_json((uint32_t)strtoul(columns[5], NULL, 10)));
		json_add_number(filter, "n_bypassed", 0);
	}
	return r;
}

/* Returns a count of a program in the second tree. */
static uint64_t count_of(struct json_object *second, const char *filter, const char *program,
			 const char *member)
{
	struct json_object *rows = NULL, *row;

	if (second)
		json_object_object_get_ex(second, "programs", &rows);
	for (size_t i = 0; rows && i < json_object_array_length(rows); i++) {
		row = json_object_array_get_idx(rows, i);
		if (strcmp(json_get_text(row, "filter"), filter) == 0 &&
		    strcmp(json_get_text(row, "program"), program) == 0)
			return json_get_number(row, member);
	}
	return 0;
}

static int fill_filter_stat(const struct mounts_view *view, struct json_object *reply)
{
	static const char *const members[] = { "runs", "errors", "answered", "bad" };
	_cleanup_(kernel_table_fini) struct kernel_table table = { 0 };
	int r = kernel_table_read(view->connection, "programs", &table);
	struct json_object *programs = json_add_array(reply, "programs");
	struct json_object *second = ask_second(view, "filter-stat");
	char *columns[6];

	while (r == 0 && kernel_table_next(&table, columns, 6)) {
		struct json_object *program = json_append_object(programs);

		json_add_text(program, "filter", columns[0]);
		json_add_text(program, "program", columns[1]);
		for (int i = 0; i < 4; i++)
			json_add_number(
				program, members[i],
				strtoull(columns[2 + i], NULL, 10) +
					count_of(second, columns[0], columns[1], members[i]));
	}
	json_object_put(second);
	return r;
}

static int fail(const struct mounts_view *view, int error)
{
	const char *path = view->mountpoint;

	if (error == -EACCES || error == -EPERM)
		cmd_error("%s: the kernel module serves this view, and only root may read its "
			  "state",
			  path);
	else if (error == -ENOENT)
		cmd_error("%s: /proc/fs/penstock has no files for this view", path);
	else if (error == -EBUSY)
		cmd_error("%s: 16 commands trace this view already; end one of them first", path);
	else
		cmd_error("%s: cannot read the files of this view in /proc/fs/penstock: %s", path,
			  strerror(-error));
	return error == -EPERM ? CMD_USAGE : cmd_exit_code(error);
}

/* Compares the interface of the module with that of this program. Returns an exit code. */
static int check_version(const struct mounts_view *view)
{
	_cleanup_(freep) char *version = kernel_control_find(view->connection, "view", "version");

	if (!version || strcmp(version, MODULE_VERSION_TEXT) == 0)
		return CMD_OK;
	cmd_error("%s: the module that serves this view has version %s of the interface, this "
		  "program has %s: use the program of the same release, or unmount the view, and "
		  "load the module of this release",
		  view->mountpoint, version, MODULE_VERSION_TEXT);
	return CMD_FAILED;
}

/* Changes the filters of the second tree. aux: the view. */
static int change_second(void *aux, const char *name, const char *spec, struct pst_error *error)
{
	const char *verb = !name ? "filter-add" : !spec ? "filter-remove" : "filter-replace";
	struct json_object *arguments = json_object_new_object(), *reply = NULL;
	_cleanup_(fd_closep) int fd = open_second(aux);
	int r;

	if (name)
		json_add_text(arguments, "name", name);
	if (spec)
		json_add_text(arguments, "spec", spec);
	r = fd < 0 ? fd : ctl_client_call(fd, verb, arguments, ASK_CHANGE_MS, &reply);
	if (r < 0)
		error_set(error, r, "the process that serves files of this view does not answer");
	else if (ctl_reply_error(reply))
		r = error_set(error, -EINVAL, "%s", ctl_reply_error(reply));
	json_object_put(reply);
	return r;
}

/* Does a verb that changes filters, and prints why not. Returns an exit code. */
static int change(const struct mounts_view *view, const char *verb, struct json_object *arguments)
{
	struct kernel_change change = {
		.mountpoint = view->mountpoint,
		.connection = view->connection,
		.name = strcmp(verb, "filter-add") == 0 ? NULL : json_get_text(arguments, "name"),
		.spec = strcmp(verb, "filter-remove") == 0 ? NULL :
							     json_get_text(arguments, "spec"),
		.aux = (void *)view,
		.serve_fd = -1,
	};
	struct pst_error error = { 0 };
	struct json_object *second;
	int r = 0;

	if (!in_kernel_second(view)) {
		r = change.spec ? kernel_second_needs(change.spec, false, &error) : 0;
		if (r > 0)
			return second_start(&change);
	} else {
		change.second = change_second;
		second = ask_second(view, "stat");
		change.has_program = second && json_get_bool(second, "answers");
		json_object_put(second);
	}
	if (r == 0)
		r = kernel_filter_change(&change, &error);
	if (r == 0)
		return CMD_OK;
	cmd_error("%s: %s", view->mountpoint, error.text);
	return r == -EPERM ? CMD_USAGE : CMD_FAILED;
}

int in_kernel_ask(const struct mounts_view *view, const char *verb, struct json_object *arguments,
		  struct json_object **ret_reply, int *ret_fd)
{
	static const struct {
		const char *verb;
		fill_fn fill; /* NULL for trace, which returns a descriptor */
		bool changes;
	} rows[] = {
		{ "stat", fill_stat, false },
		{ "filter-list", fill_filter_list, false },
		{ "filter-stat", fill_filter_stat, false },
		{ "filter-add", fill_filter_list, true },
		{ "filter-remove", fill_filter_list, true },
		{ "filter-replace", fill_filter_list, true },
		{ "trace", NULL, false },
	};
	struct json_object *reply;
	size_t i = 0;
	int r = 0;

	while (i < sizeof(rows) / sizeof(rows[0]) && strcmp(rows[i].verb, verb) != 0)
		i++;
	if (i == sizeof(rows) / sizeof(rows[0])) {
		cmd_error("%s: a view of the kernel engine has no \"%s\"", view->mountpoint, verb);
		return CMD_FAILED;
	}
	r = check_version(view);
	if (r == CMD_OK && rows[i].changes)
		r = change(view, verb, arguments);
	if (r != CMD_OK)
		return r;
	reply = json_object_new_object();
	json_add_number(reply, "version", CTL_VERSION);
	json_add_text(reply, "engine", "kernel");
	if (rows[i].fill)
		r = rows[i].fill(view, reply);
	else
		r = *ret_fd = kernel_control_open(view->connection, "trace");
	if (r < 0) {
		json_object_put(reply);
		return fail(view, r);
	}
	*ret_reply = reply;
	return CMD_OK;
}

static void add_event(struct json_object *line, const struct kernel_record *record)
{
	struct json_object *event = json_add_object(line, "event"), *values;

	json_add_text(event, "filter", record->filter);
	json_add_text(event, "what", record->what);
	values = json_add_array(event, "values");
	for (int i = 0; i < 2; i++)
		json_object_array_add(values, json_object_new_uint64(record->head.value[i]));
}

static void add_verdict(struct json_object *line, const struct kernel_record *record)
{
	int verdict = record->head.verdict;
	const char *name = verdict < 0 ? strerrorname_np(-verdict) : "answered";
	_cleanup_(freep) char *text = NULL;

	if (asprintf(&text, "%s: %s", record->filter, name ? name : "?") >= 0)
		json_add_text(line, "verdict", text);
}

int in_kernel_trace_next(int fd, struct json_object **ret_line)
{
	_cleanup_(freep) struct kernel_record *record = malloc(sizeof(*record));
	const struct module_record *head;
	struct json_object *line;
	int r = record ? kernel_record_read(fd, record) : -ENOMEM;

	if (r <= 0)
		return r;
	head = &record->head;
	line = json_object_new_object();
	json_object_object_add(line, "time",
			       json_object_new_double((double)head->time_ns / 1000000000));
	json_add_text(line, "op", record->op);
	json_add_text(line, "path", record->path);
	if (*record->path2)
		json_add_text(line, "path2", record->path2);
	json_add_number(line, "uid", head->uid);
	json_add_number(line, "gid", head->gid);
	json_add_number(line, "pid", head->pid);
	if (head->flags & MODULE_RECORD_RESULT)
		json_add_number(line, "error", (uint64_t)-head->error);
	if (head->flags & MODULE_RECORD_EVENT)
		add_event(line, record);
	if (head->flags & MODULE_RECORD_VERDICT)
		add_verdict(line, record);
	if (head->lost)
		json_add_number(line, "lost", head->lost);
	*ret_line = line;
	return 1;
}
