// SPDX-License-Identifier: LGPL-2.1-or-later
/* penstock stat: asks the process of a view for its facts and counters. */
#include <errno.h>
#include <getopt.h>
#include <json-c/json.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/mounts.h"
#include "cmd/out.h"
#include "ctl/client.h"
#include "ctl/proto.h"
#include "util/cleanup.h"
#include "util/fd.h"

enum {
	REPLY_MS = 10000,
};

static int ask(const char *path, const struct mounts_view *view, const struct out *out)
{
	_cleanup_(fd_closep) int fd = -1;
	struct json_object *reply = NULL;
	char socket[CTL_PATH_MAX];
	int r;

	ctl_socket_path(view->connection, socket);
	fd = ctl_client_open(socket);
	if (fd < 0) {
		cmd_error("%s: its process does not listen at %s: %s", path, socket, strerror(-fd));
		return cmd_exit_code(fd);
	}
	r = ctl_client_call(fd, "stat", NULL, REPLY_MS, &reply);
	if (r < 0) {
		cmd_error("%s: its process does not answer: %s", path, strerror(-r));
		return cmd_exit_code(r);
	}
	if (ctl_reply_error(reply)) {
		cmd_error("%s: %s", path, ctl_reply_error(reply));
		r = CMD_FAILED;
	} else {
		out->stat(reply);
		r = CMD_OK;
	}
	json_object_put(reply);
	return r;
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	_cleanup_(mounts_view_fini) struct mounts_view view = { 0 };
	_cleanup_(freep) char *type = NULL;
	const struct out *out = &out_text;
	int option, r;

	while ((option = getopt_long(argc, argv, ":h", long_options, NULL)) != -1) {
		if (option == 'j') {
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

	r = mounts_find(argv[optind], &view, &type);
	if (r == -EINVAL)
		cmd_error("%s is not the mount point of a view", argv[optind]);
	else if (r < 0)
		cmd_error("%s: %s", argv[optind], strerror(-r));
	return r < 0 ? cmd_exit_code(r) : ask(argv[optind], &view, out);
}

const struct cmd cmd_stat = {
	.name = "stat",
	.arguments = "[--json] MOUNTPOINT",
	.summary = "facts and counters of the view at MOUNTPOINT",
	.help = "Prints what is shown where, whether reads and writes run in the kernel, and how\n"
		"often each operation has reached the process.\n"
		"\n"
		"  --json   one JSON object\n",
	.run = run,
};
