// SPDX-License-Identifier: LGPL-2.1-or-later
/* penstock probe: what this machine offers a view, what is missing and how to get it. */
#include <getopt.h>
#include <string.h>

#include <penstock/penstock.h>

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
	struct pst_probe rows[64];
	const char *lower;
	size_t n;
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
	if (argc - optind > 1)
		return cmd_usage_error(cmd, "it takes one LOWER at most");

	lower = argv[optind];
	r = pst_probe(lower, rows, sizeof(rows) / sizeof(rows[0]), &n);
	if (r < 0) {
		cmd_error("%s: %s", lower ? lower : "cannot look", strerror(-r));
		return cmd_exit_code(r);
	}
	out->probe(rows, n);
	return CMD_OK;
}

const struct cmd cmd_probe = {
	.name = "probe",
	.arguments = "[--json] [LOWER]",
	.summary = "what this machine, and the file system of LOWER, offer",
	.help = "Lists what a view can make use of: each feature with on or off, and why.\n"
		"\n"
		"  --json   one JSON object\n",
	.run = run,
};
