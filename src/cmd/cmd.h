/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What all commands share: the row of the table, the options that all have, exit codes and errors.
 */
#include <stdbool.h>
#include <stddef.h>

struct json_object;
struct cmd_call;

/*
 * A command: a row of command-table.c. The common parser makes its usage line, help and errors of
 * it.
 */
struct cmd {
	const char *name;		/* one word, or two: "filter add"; NULL: the program's own name */
	const char *arguments;		/* their names; in brackets: may be left out */
	const char *flag, *flag_help;	/* its own option --FLAG, also by the first letter; NULL: none */
	const char *json_help;		/* what --json prints; NULL: there is no --json */
	bool own_options;		/* run() reads argv itself */
	const char *summary;		/* one line for the overview */
	const char *help;		/* what --help prints between the usage line and the options */
	void (*help_more)(const struct cmd *cmd);	/* prints what follows; NULL: nothing */

	int (*run)(struct cmd_call *call);		/* returns an exit code */
	void (*print)(struct json_object *answer);	/* prints its answer for people */

	/*
	 * Of commands that ask the process of a view: the verb, and the member that each argument
	 * becomes.
	 */
	const char *verb;
	const char *members[2];
};

/* One run of a command. */
struct cmd_call {
	const struct cmd *cmd;
	int argc;
	char **argv;			/* argv[0] is the command's own name */
	char **words;			/* arguments, ended by NULL; as many as the row allows */
	bool flag, json;
	bool answered;			/* cmd_answer() was called */
};

/*
 * The exit codes of all commands. They are those of mount(8) and umount(8), and penstock(1) has
 * them for users. What was asked for cannot be had, for whatever reason that is not one of the
 * others, is CMD_FAILED: no view is mounted there, the process of the view has died, a filter is
 * refused, a view cannot work here.
 */
#define CMD_OK		0
#define CMD_USAGE	1		/* wrong invocation or options, or not permitted */
#define CMD_SYSTEM	2		/* out of memory, processes, descriptors */
#define CMD_BUG		4		/* our own fault */
#define CMD_INTERRUPTED	8		/* by the user */
#define CMD_FAILED	32		/* the mount, or whatever the command is for, failed */

/* The functions of the table. */
int cmd_mount(struct cmd_call *call);
int cmd_umount(struct cmd_call *call);
int cmd_probe(struct cmd_call *call);
int cmd_view(struct cmd_call *call);	/* all that are one question to the process of a view */
int cmd_trace(struct cmd_call *call);
int cmd_filter_check(struct cmd_call *call);
int cmd_filter_new(struct cmd_call *call);

/*
 * The mount command under the contract of mount(8)'s helpers: `SPEC DIR [-sfnv] [-N ns] [-o
 * options] [-t type]`, where -f means "pretend".
 */
int cmd_mount_helper(int argc, char **argv);

/* The name that this process was called by: what every message begins with. */
extern const char *cmd_name;

/*
 * Parses argv by the command's row, runs it and returns its exit code. Where it fails with --json
 * before it has answered, an object with "error", the text of the last cmd_error(), and "exit" is
 * printed.
 */
int cmd_run(const struct cmd *cmd, int argc, char **argv);

/* Prints the answer of a command, as JSON or for people, and drops it. */
void cmd_answer(struct cmd_call *call, struct json_object *answer);

/* Prints one line to standard error. Any thread may call it. */
void cmd_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void cmd_print_help(const struct cmd *cmd);

/* Prints what is wrong with the invocation, and the usage line. Returns CMD_USAGE. */
int cmd_usage_error(const struct cmd *cmd, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The exit code for a negative errno. */
int cmd_exit_code(int error);
