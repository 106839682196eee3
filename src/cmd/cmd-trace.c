// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * penstock trace: prints the operations of a view as they happen, until it is interrupted or the
 * view ends.
 *
 * After the reply to "trace" the threads of the view write lines of JSON to the control socket.
 * They do not wait for this process: a line for which the socket has no room is dropped, and
 * counted. A view of the kernel engine has a file of records instead (kmod/trace.c). If a process
 * serves a part of it, a thread prints the lines of that process; printing is the lock of stdout
 * and of the number of lost lines.
 */
#include "cmd/ask.h"
#include "cmd/cmd.h"
#include "cmd/in-kernel.h"
#include "cmd/mounts.h"
#include "cmd/out.h"
#include "ctl/client.h"
#include "ctl/json.h"
#include "ctl/line.h"
#include "ctl/proto.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/suggest.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <json-c/json.h>
#include <penstock/filter.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static pthread_mutex_t printing = PTHREAD_MUTEX_INITIALIZER;

/* The operations that a trace prints: those that filters can see, and some of the kernel's. */
static const char *const operations[] = {
#define NAME(OP, OPCODE, FACTS) #OP,
	PST_OPS(NAME)
#undef NAME
		"forget",
	"batch_forget",
	"interrupt",
	"destroy",
	"access",
	"bmap",
	"poll",
};

#define N_OPERATIONS (sizeof(operations) / sizeof(operations[0]))

/* Checks that each glob of a list of operations matches one. Returns an exit code. */
static int check_operations(const struct cmd *cmd, const char *globs)
{
	_cleanup_(freep) char *copy = strdup(globs);
	char *rest = copy, *glob;

	while ((glob = strsep(&rest, ":"))) {
		struct suggestion suggestion = SUGGESTION_INIT;
		size_t i = 0;

		for (; i < N_OPERATIONS && fnmatch(glob, operations[i], 0) != 0; i++)
			suggest_try(&suggestion, glob, operations[i]);
		if (i < N_OPERATIONS)
			continue;
		if (*suggestion.word)
			return cmd_usage_error(cmd,
					       "there is no operation \"%s\"; did you mean \"%s\"?",
					       glob, suggestion.word);
		return cmd_usage_error(cmd,
				       "there is no operation \"%s\"; penstock-filters(7) has a "
				       "table of them, and ':' separates two",
				       glob);
	}
	return CMD_OK;
}

/* Returns whether the text matches one of the globs, which are separated by ':'. */
static bool matches_one_of(const char *globs, const char *text)
{
	_cleanup_(freep) char *copy = strdup(globs);
	char *rest = copy, *glob;

	while ((glob = strsep(&rest, ":")))
		if (fnmatch(glob, text, 0) == 0)
			return true;
	return false;
}

static bool is_process(const char *wanted, struct json_object *line)
{
	bool is_number = wanted[strspn(wanted, "0123456789")] == '\0';

	return is_number ? strtoull(wanted, NULL, 10) == json_get_number(line, "pid") :
			   fnmatch(wanted, json_get_text(line, "comm"), 0) == 0;
}

/* Returns whether the options of the command ask for this line. */
static bool is_wanted(const struct cmd_call *call, struct json_object *line)
{
	const char *op = cmd_given(call, "op"), *path = cmd_given(call, "path");
	const char *process = cmd_given(call, "process");

	if (cmd_given(call, "events") && !json_object_object_get_ex(line, "event", NULL))
		return false;
	if (op && !matches_one_of(op, json_get_text(line, "op")))
		return false;
	if (process && !is_process(process, line))
		return false;
	return !path || fnmatch(path, json_get_text(line, "path"), FNM_LEADING_DIR) == 0 ||
	       fnmatch(path, json_get_text(line, "path2"), FNM_LEADING_DIR) == 0;
}

/*
 * Prints a line if the options ask for it. A line that is left out passes the number of lost lines
 * on to the next one that is printed.
 */
static void print_wanted(const struct cmd_call *call, struct json_object *line)
{
	static uint64_t lost;

	lost += json_get_number(line, "lost");
	if (!is_wanted(call, line))
		return;
	if (lost)
		json_add_number(line, "lost", lost);
	lost = 0;
	(call->json ? out_json : out_trace)(line);
	fflush(stdout);
}

/* Prints one line. Returns an exit code. */
static int print_line(const struct cmd_call *call, const char *line)
{
	struct json_object *object = json_tokener_parse(line), *version;
	const char *path = call->words[0];
	int r = CMD_OK;

	if (!json_object_is_type(object, json_type_object)) {
		cmd_error("%s: the process of this view sent a line that is not a JSON object, "
			  "which is left out: %.100s",
			  path, line);
	} else if (json_object_object_get_ex(object, "version", &version)) {
		/* Lines of a trace have no version: this is the reply of a trace that failed. */
		cmd_error("%s: %s", path, ctl_reply_error(object) ? ctl_reply_error(object) : line);
		r = CMD_FAILED;
	} else {
		print_wanted(call, object);
	}
	json_object_put(object);
	return r;
}

struct second {
	const struct cmd_call *call;
	int fd;
};

/* The thread that prints the lines of the process that serves a part of the view. */
static void *follow_second(void *p)
{
	const struct second *second = p;
	int code = CMD_OK;
	char *line;
	size_t len;

	while (code == CMD_OK &&
	       line_receive(second->fd, CTL_REPLY_MAX, LINE_FOREVER, &line, &len) == 0) {
		pthread_mutex_lock(&printing);
		code = print_line(second->call, line);
		pthread_mutex_unlock(&printing);
		free(line);
	}
	return NULL;
}

/* Prints the lines of the module. Returns an exit code. */
static int follow_module(const struct cmd_call *call, int fd)
{
	struct json_object *line;
	int r;

	while ((r = in_kernel_trace_next(fd, &line)) > 0) {
		pthread_mutex_lock(&printing);
		print_wanted(call, line);
		pthread_mutex_unlock(&printing);
		json_object_put(line);
		if (ferror(stdout))
			r = -EIO;
		if (r < 0)
			break;
	}
	if (r < 0)
		cmd_error("%s: the trace ends: %s", call->words[0], strerror(-r));
	return cmd_exit_code(r);
}

/* Prints the lines of a view of the kernel engine. Returns an exit code. */
static int follow_kernel(const struct cmd_call *call, int fd, struct json_object *arguments)
{
	_cleanup_(mounts_view_fini) struct mounts_view view = { 0 };
	struct second second = { call, -1 };
	pthread_t thread;
	int code = mounts_find(call->words[0], &view), r;

	if (code != CMD_OK)
		return code;
	second.fd = in_kernel_trace_second(&view, arguments);
	r = second.fd < 0 ? 0 : pthread_create(&thread, NULL, follow_second, &second);
	if (r) {
		cmd_error("%s: cannot start a thread: %s", call->words[0], strerror(r));
		code = CMD_SYSTEM;
	} else {
		code = follow_module(call, fd);
	}
	if (second.fd >= 0 && !r) {
		shutdown(second.fd, SHUT_RD);
		pthread_join(thread, NULL);
	}
	fd_close(second.fd);
	return code;
}

static int follow(const struct cmd_call *call, int fd)
{
	_cleanup_(freep) char *line = NULL;
	size_t size = 0;
	FILE *lines;
	int r = CMD_OK;

	if (fcntl(fd, F_SETFL, 0) < 0 || !(lines = fdopen(fd, "r"))) {
		cmd_error("%s: %s", call->words[0], strerror(errno));
		fd_close(fd);
		return CMD_SYSTEM;
	}
	while (r == CMD_OK && getline(&line, &size, lines) > 0) {
		r = print_line(call, line);
		if (r == CMD_OK && ferror(stdout)) {
			cmd_error("cannot write to standard output: %s", strerror(errno));
			r = CMD_SYSTEM;
		}
	}
	fclose(lines);
	return r;
}

int cmd_trace(struct cmd_call *call)
{
	struct json_object *arguments = json_object_new_object(), *reply = NULL;
	_cleanup_(fd_closep) int fd = -1;
	const char *globs = cmd_given(call, "op");
	bool past = cmd_given(call, "past"), in_kernel;
	int code = globs ? check_operations(call->cmd, globs) : CMD_OK;

	if (code != CMD_OK) {
		json_object_put(arguments);
		return code;
	}
	json_add_bool(arguments, "all", cmd_given(call, "all"));
	json_add_bool(arguments, "past", past);
	code = ask(call->words[0], "trace", arguments, ASK_MS, &reply, &fd);
	in_kernel = code == CMD_OK && strcmp(json_get_text(reply, "engine"), "kernel") == 0;
	json_object_put(reply);
	if (code == CMD_OK && in_kernel && past) {
		cmd_error("%s: the kernel engine keeps no events: mount the view with engine=fuse",
			  call->words[0]);
		code = CMD_FAILED;
	} else if (code == CMD_OK) {
		code = in_kernel ? follow_kernel(call, fd, arguments) : follow(call, take_fd(&fd));
	}
	json_object_put(arguments);
	return code;
}
