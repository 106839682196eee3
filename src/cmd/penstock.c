// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * penstock: the program.
 *
 * One binary under three names. As `penstock` its first word is a subcommand out of the table
 * below; two words that are none are the short form of `mount`. As `mount.penstock` and
 * `mount.fuse.penstock` it is the helper that mount(8) runs for its file system types.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <penstock/penstock.h>

#include "cmd/cmd.h"
#include "util/nearest.h"

static const struct cmd *const cmds[] = {
	&cmd_mount,
	&cmd_umount,
	&cmd_stat,
	&cmd_filter,
	&cmd_trace,
	&cmd_probe,
};

#define N_CMDS (sizeof(cmds) / sizeof(cmds[0]))

static void print_help(void)
{
	printf("penstock shows a directory tree at another place, at the speed of the tree.\n\n");
	printf("usage: penstock COMMAND ...\n");
	printf("       penstock LOWER MOUNTPOINT [-o OPTIONS]    short for `penstock mount`\n\n");
	for (size_t i = 0; i < N_CMDS; i++)
		printf("  %-8s %s\n", cmds[i]->name, cmds[i]->summary);
	printf("\n`penstock COMMAND --help` says more about one; penstock(1) says all.\n");
}

static const struct cmd *find(const char *name)
{
	for (size_t i = 0; i < N_CMDS; i++) {
		if (strcmp(cmds[i]->name, name) == 0)
			return cmds[i];
	}
	return NULL;
}

/* Without a subcommand there are two paths, and the first of them leads to something. */
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

static int unknown(const char *word)
{
	struct nearest nearest = NEAREST_INIT;

	for (size_t i = 0; i < N_CMDS; i++)
		nearest_try(&nearest, word, cmds[i]->name);
	if (*nearest.word)
		cmd_error("there is no command \"%s\"; did you mean \"%s\"?", word, nearest.word);
	else
		cmd_error("there is no command \"%s\"; `penstock --help` lists them", word);
	return CMD_USAGE;
}

int main(int argc, char **argv)
{
	const struct cmd *cmd;
	const char *slash;

	if (argc < 1)
		return CMD_USAGE;
	slash = strrchr(argv[0], '/');
	if (strncmp(slash ? slash + 1 : argv[0], "mount.", 6) == 0) {
		cmd_name = slash ? slash + 1 : argv[0];
		return cmd_mount_helper(argc, argv);
	}

	if (argc < 2) {
		cmd_error("what shall be done? `penstock --help` lists the commands");
		return CMD_USAGE;
	}
	if (strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0) {
		print_help();
		return CMD_OK;
	}
	if (strcmp(argv[1], "-V") == 0 || strcmp(argv[1], "--version") == 0) {
		printf("penstock %s\n", PST_VERSION);
		return CMD_OK;
	}

	cmd = find(argv[1]);
	if (cmd)
		return cmd_run(cmd, argc - 1, argv + 1);
	if (is_short_form(argc, argv))
		return cmd_mount.run(&cmd_mount, argc, argv);
	return unknown(argv[1]);
}
