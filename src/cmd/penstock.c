// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * main() of the program, which has three names. As `penstock` it takes a command of
 * command-table.c; `penstock LOWER MOUNTPOINT` is the short form of `penstock mount`. As
 * `mount.penstock` and `mount.fuse.penstock` it is the helper that mount(8) runs for the file
 * system types penstock and fuse.penstock.
 */
#include "cmd/cmd-help.h"
#include "cmd/cmd.h"
#include "cmd/command-table.h"

#include <penstock/penstock.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/*
 * Returns true for the arguments of `penstock LOWER MOUNTPOINT`: an option comes first, or there
 * are two words or more, and the first has a '/' or names a file that exists.
 */
static bool is_short_form(int argc, char **argv)
{
	int n_words = 0;

	if (argv[1][0] == '-')
		return true;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-o") == 0)
			i++;
		else if (argv[i][0] != '-')
			n_words++;
	}
	return n_words >= 2 && (strchr(argv[1], '/') || access(argv[1], F_OK) == 0);
}

int main(int argc, char **argv)
{
	char *mount[] = { "penstock", "mount" };
	const struct cmd *cmd;
	const char *slash;
	int n_words;

	if (argc < 1)
		return CMD_USAGE;
	slash = strrchr(argv[0], '/');
	if (strncmp(slash ? slash + 1 : argv[0], "mount.", 6) == 0) {
		cmd_name = slash ? slash + 1 : argv[0];
		return cmd_mount_helper(argc, argv);
	}

	if (argc < 2) {
		help_overview();
		return CMD_USAGE;
	}
	if (strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0) {
		help_overview();
		return CMD_OK;
	}
	if (strcmp(argv[1], "help") == 0)
		return help_word(argc - 1, argv + 1);
	if (strcmp(argv[1], "-V") == 0 || strcmp(argv[1], "--version") == 0) {
		printf("penstock %s\n", PST_VERSION);
		return CMD_OK;
	}

	cmd = command_find(argc, argv, &n_words);
	if (cmd)
		return cmd_run(cmd, argc - n_words, argv + n_words);
	if (is_short_form(argc, argv))
		return cmd_run(command_find(2, mount, &n_words), argc, argv);
	return command_unknown(NULL, argv[1]);
}
