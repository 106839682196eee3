// SPDX-License-Identifier: LGPL-2.1-or-later
/* penstock probe: what this machine offers a view, what is missing and how to get it. */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <penstock/penstock.h>

#include "cmd/cmd.h"
#include "cmd/out.h"

/* Features without which no view can be mounted, as pst_view_mount() has it. */
static bool is_needed(const char *name)
{
	static const char *const needed[] = { "fuse", "protocol", "cap_sys_admin", "cap_setuid",
					      "cap_setgid" };

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (strcmp(needed[i], name) == 0)
			return true;
	return false;
}

/* "" where a view can be mounted. */
static void say_what_is_lacking(const struct pst_probe *rows, size_t n, char *lacks, size_t size)
{
	size_t len = 0;

	lacks[0] = '\0';
	for (size_t i = 0; i < n && len < size; i++)
		if (!rows[i].on && is_needed(rows[i].name))
			len += (size_t)snprintf(lacks + len, size - len, "%s%s",
						len ? ", " : "no view can be mounted here, for lack of ",
						rows[i].name);
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const struct out *out = &out_text;
	struct pst_probe rows[64];
	char lacks[256];
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
	say_what_is_lacking(rows, n, lacks, sizeof(lacks));
	out->probe(rows, n, lacks);
	cmd_json_done();
	if (!*lacks)
		return CMD_OK;
	cmd_error("%s", lacks);
	return CMD_FAILED;
}

const struct cmd cmd_probe = {
	.name = "probe",
	.arguments = "[--json] [LOWER]",
	.summary = "what this machine, and the file system of LOWER, offer",
	.help = "Lists what a view can make use of: each feature with on or off, and why. Ends with 32\n"
		"where no view can be mounted.\n"
		"\n"
		"  --json   one JSON object\n",
	.run = run,
};
