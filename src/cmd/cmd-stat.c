// SPDX-License-Identifier: LGPL-2.1-or-later
/* penstock stat: asks the process of a view for its facts and counters. */
#include <getopt.h>
#include <json-c/json.h>

#include "cmd/ask.h"
#include "cmd/cmd.h"
#include "cmd/out.h"

static int run(const struct cmd *cmd, int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const struct out *out = &out_text;
	struct json_object *reply = NULL;
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

	r = ask(argv[optind], "stat", NULL, ASK_MS, &reply);
	if (r == CMD_OK)
		out->stat(reply);
	json_object_put(reply);
	return r;
}

const struct cmd cmd_stat = {
	.name = "stat",
	.arguments = "[--json] MOUNTPOINT",
	.summary = "facts and counters of the view at MOUNTPOINT",
	.help = "Prints what is shown where, whether reads and writes run in the kernel, which filters\n"
		"are at work, and how often each operation has reached the process.\n"
		"\n"
		"  --json   one JSON object\n",
	.run = run,
};
