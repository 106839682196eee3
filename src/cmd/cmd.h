/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The parts that all commands share: rows of the table, parsing, answers, errors, exit codes. */
#include <stdbool.h>
#include <stddef.h>

struct json_object;
struct cmd_call;

/* A command: a row of command-table.c. Usage line, help and errors are generated from it. */
struct cmd {
	const char *name;             /* "stat", "filter add"; NULL: of the mount helper */
	const char *arguments;        /* names; in brackets: optional; "...": any number */
	const char *flag, *flag_help; /* an option --FLAG, or -F; NULL: none */
	const char *json_help;        /* what --json prints; NULL: there is no --json */
	bool own_options;             /* run() reads argv itself */
	const char *summary;          /* one line for the overview */
	const char *help;             /* the text of --help before the options */
	void (*help_more)(const struct cmd *cmd); /* prints what follows; NULL: nothing */

	int (*run)(struct cmd_call *call);         /* returns an exit code */
	void (*print)(struct json_object *answer); /* prints its answer for people */

	/* For cmd_view(): the verb, and the members for the arguments after MOUNTPOINT. */
	const char *verb;
	const char *members[2];
};

/* One run of a command. */
struct cmd_call {
	const struct cmd *cmd;
	int argc;
	char **argv;  /* argv[0] is the command's own name */
	char **words; /* the arguments; ended by NULL */
	bool flag, json;
	bool answered; /* cmd_answer() was called */
};

/*
 * Exit codes of all commands: those of mount(8) and umount(8). penstock(1) documents them. A
 * command ends with CMD_FAILED after each failure that has no code of its own: no view is mounted
 * there, the process of the view has died, a filter is refused, no view can be mounted on this
 * machine.
 */
#define CMD_OK          0
#define CMD_USAGE       1  /* wrong invocation or options, or not permitted */
#define CMD_SYSTEM      2  /* out of memory, processes, descriptors */
#define CMD_BUG         4  /* internal error */
#define CMD_INTERRUPTED 8  /* by the user */
#define CMD_FAILED      32 /* the command failed */

/* The functions of the table. */
int cmd_mount(struct cmd_call *call);
int cmd_umount(struct cmd_call *call);
int cmd_probe(struct cmd_call *call);
int cmd_view(struct cmd_call *call); /* sends one request to the process of a view */
int cmd_trace(struct cmd_call *call);
int cmd_filter_check(struct cmd_call *call);
int cmd_filter_new(struct cmd_call *call);

/*
 * The mount command under the contract of mount(8)'s helpers: `SPEC DIR [-sfnv] [-N ns] [-o
 * options] [-t type]`, where -f means "pretend".
 */
int cmd_mount_helper(int argc, char **argv);

/* The name of the program in messages: "penstock", or that of the mount helper. */
extern const char *cmd_name;

/*
 * Parses argv by the row of the command, runs it and returns its exit code. With --json, a command
 * that fails before it calls cmd_answer() prints an object with "error", the text of the last
 * cmd_error(), and "exit".
 */
int cmd_run(const struct cmd *cmd, int argc, char **argv);

/* Prints the answer of a command, as JSON (with --json) or for people, and frees it. */
void cmd_answer(struct cmd_call *call, struct json_object *answer);

/* Prints one line to standard error. Any thread may call it. */
void cmd_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Prints the text of --help. */
void cmd_print_help(const struct cmd *cmd);

/* Prints an error about the arguments, and the usage line. Returns CMD_USAGE. */
int cmd_usage_error(const struct cmd *cmd, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Returns the exit code for a negative errno. */
int cmd_exit_code(int error);
