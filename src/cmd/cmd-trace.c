// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * penstock trace: what happens in a view, live, until the user has seen enough or the view ends.
 *
 * After the reply to "trace" the control socket carries lines of JSON, written by the threads of the
 * view. They do not wait for us: what we do not read in time is lost, and counted.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cmd/ask.h"
#include "cmd/cmd.h"
#include "cmd/out.h"
#include "ctl/client.h"
#include "util/cleanup.h"
#include "util/fd.h"

/* Prints one line. An exit code. */
static int print_line(const char *path, const char *line, const struct out *out)
{
	struct json_object *object = json_tokener_parse(line), *version;
	int r = CMD_OK;

	if (!json_object_is_type(object, json_type_object)) {
		cmd_error("%s: its process wrote what is no line of a trace: %.100s", path, line);
	} else if (json_object_object_get_ex(object, "version", &version)) {
		/* Lines of a trace have no version: it is a reply, and there is only one to come. */
		cmd_error("%s: %s", path, ctl_reply_error(object) ? ctl_reply_error(object) : line);
		r = CMD_FAILED;
	} else {
		out->trace(object);
		fflush(stdout);
	}
	json_object_put(object);
	return r;
}

static int follow(const char *path, int fd, const struct out *out)
{
	_cleanup_(freep) char *line = NULL;
	size_t size = 0;
	FILE *lines;
	int r = CMD_OK;

	if (fcntl(fd, F_SETFL, 0) < 0 || !(lines = fdopen(fd, "r"))) {
		cmd_error("%s: %s", path, strerror(errno));
		fd_close(fd);
		return CMD_SYSTEM;
	}
	while (r == CMD_OK && getline(&line, &size, lines) > 0) {
		r = print_line(path, line, out);
		if (r == CMD_OK && ferror(stdout)) {
			cmd_error("cannot print: %s", strerror(errno));
			r = CMD_SYSTEM;
		}
	}
	fclose(lines);
	return r;
}

static int trace(const char *path, bool all, const struct out *out)
{
	_cleanup_(fd_closep) int fd = -1;
	struct json_object *arguments, *reply = NULL;
	int r;

	r = ask_open(path, &fd);
	if (r != CMD_OK)
		return r;
	arguments = json_object_new_object();
	json_object_object_add(arguments, "all", json_object_new_boolean(all));
	r = ask_call(path, fd, "trace", arguments, ASK_MS, &reply);
	json_object_put(arguments);
	json_object_put(reply);
	return r == CMD_OK ? follow(path, take_fd(&fd), out) : r;
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "all", no_argument, NULL, 'a' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const struct out *out = &out_text;
	bool all = false;
	int option;

	while ((option = getopt_long(argc, argv, ":ah", long_options, NULL)) != -1) {
		if (option == 'a') {
			all = true;
		} else if (option == 'j') {
			out = &out_json;
		} else if (option == 'h') {
			cmd_print_help(cmd);
			return CMD_OK;
		} else {
			return cmd_usage_error(cmd, "there is no option \"%s\"", argv[optind - 1]);
		}
	}
	if (argc - optind != 1)
		return cmd_usage_error(cmd, "it takes one MOUNTPOINT");
	return trace(argv[optind], all, out);
}

const struct cmd cmd_trace = {
	.name = "trace",
	.arguments = "[--all] [--json] MOUNTPOINT",
	.summary = "what happens in a view, line by line, as it happens",
	.help = "Prints a line for each operation that filters have to do with, and for each event\n"
		"that a filter tells of, until it is interrupted or the view ends; of a view without\n"
		"filters, for each operation. What runs in the kernel by passthrough is not seen, nor\n"
		"what the kernel answers out of its cache.\n"
		"\n"
		"  -a, --all   operations that no filter has to do with, too\n"
		"  --json      a JSON object on each line\n",
	.run = run,
};
