/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <stddef.h>

/* A subcommand: one file that exports one of these; main has them in a table. */

struct cmd {
	const char *name;		/* NULL: that of the program alone */
	const char *arguments;		/* what follows the name in the usage line */
	const char *summary;		/* one line for the overview */
	const char *help;		/* what `penstock NAME --help` says below the usage line */
	int (*run)(const struct cmd *cmd, int argc, char **argv);	/* answers an exit code */
};

/*
 * The exit codes of all subcommands. They are those of mount(8) and umount(8), and penstock(1) has them for
 * users. What was asked for cannot be had, for whatever reason that is not one of the others, is CMD_FAILED:
 * no view is mounted there, the process of the view has died, a filter is refused, a view cannot work here.
 */
enum {
	CMD_OK		= 0,
	CMD_USAGE	= 1,	/* wrong invocation or options, or not permitted */
	CMD_SYSTEM	= 2,	/* out of memory, processes, descriptors */
	CMD_BUG		= 4,	/* our own fault */
	CMD_INTERRUPTED	= 8,	/* by the user */
	CMD_FAILED	= 32,	/* the mount, or whatever the subcommand is for, failed */
};

extern const struct cmd cmd_mount;
extern const struct cmd cmd_umount;
extern const struct cmd cmd_probe;
extern const struct cmd cmd_stat;
extern const struct cmd cmd_filter;
extern const struct cmd cmd_trace;

/* Subcommands of `penstock filter`. */
extern const struct cmd cmd_filter_list;
extern const struct cmd cmd_filter_stat;
extern const struct cmd cmd_filter_add;
extern const struct cmd cmd_filter_remove;
extern const struct cmd cmd_filter_replace;
extern const struct cmd cmd_filter_check;
extern const struct cmd cmd_filter_new;

/*
 * The mount subcommand under the contract of mount(8)'s helpers: `SPEC DIR [-sfnv] [-N ns]
 * [-o options] [-t type]`, where -f means "pretend".
 */
int cmd_mount_helper(int argc, char **argv);

/* The name that this process was called by: what every message begins with. */
extern const char *cmd_name;

/*
 * Says what went wrong, in one line. The last of these is also the error of a subcommand that was asked for
 * JSON, see cmd_run().
 */
void cmd_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void cmd_print_help(const struct cmd *cmd);

/*
 * Runs a subcommand and answers its exit code. Where it fails with --json among its arguments, an object
 * with "error" and "exit" goes to standard output, unless cmd_json_done() has said that it has one there.
 */
int cmd_run(const struct cmd *cmd, int argc, char **argv);
void cmd_json_done(void);

/* Says what is wrong with the invocation and where help is; answers CMD_USAGE. */
int cmd_usage_error(const struct cmd *cmd, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The exit code for a negative errno: who is to blame. */
int cmd_exit_code(int error);
