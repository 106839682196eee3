/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Runs a command: parses the arguments by the row of the command in the table, prints the answer or
 * the error, and returns the exit code. All commands share these functions.
 */
#include <stdbool.h>
#include <stddef.h>

struct json_object;
struct cmd_call;

/* An option of a command: --NAME, -LETTER, --NAME=VALUE. */
struct cmd_option {
	const char *name;  /* NULL ends the list */
	char letter;       /* 0 if there is no short form */
	const char *value; /* the name of its value; NULL if it takes none */
	const char *help;
};

#define CMD_N_OPTIONS 8

/* A command: a row of command-table.c. The usage line, --help and errors are made from the row. */
struct cmd {
	const char *name;      /* "stat", "filter add"; NULL for the mount helper */
	const char *arguments; /* of the usage line: [X] is optional, X... may be repeated */
	struct cmd_option options[CMD_N_OPTIONS + 1];
	const char *json_help; /* the output with --json; NULL if there is no --json */
	bool own_options;      /* run() reads argv itself, because of other options */
	const char *summary;   /* a line of `penstock --help` */
	const char *help;      /* the text of `penstock COMMAND --help` before the options */
	void (*help_more)(const struct cmd *cmd); /* prints the text after the options; or NULL */

	int (*run)(struct cmd_call *call);         /* runs the command; returns an exit code */
	void (*print)(struct json_object *answer); /* prints run()'s answer without --json */

	/*
	 * For cmd_view(), which sends a request to the process of a view: the verb of the request,
	 * and the names of its members with the arguments after MOUNTPOINT.
	 */
	const char *verb;
	const char *members[2];
};

/* One run of a command. */
struct cmd_call {
	const struct cmd *cmd;
	int argc;
	char **argv;  /* argv[0] is the command's own name */
	char **words; /* the arguments that are not options; NULL ends the list */
	const char *given[CMD_N_OPTIONS]; /* the value of each option, or ""; NULL if not given */
	bool json;                        /* the user gave --json */
	bool answered;                    /* cmd_answer() was called */
};

/*
 * Returns the value of an option of the command: "" if it takes none, NULL if it is not given.
 * Borrowed.
 */
const char *cmd_given(const struct cmd_call *call, const char *option);

/*
 * The exit codes of all commands have the meanings of mount(8) and umount(8); penstock(1) documents
 * them. CMD_FAILED is for every failure that has no code of its own, for example: no view is
 * mounted at MOUNTPOINT, the process of the view has died, or the kernel refuses a filter.
 */
#define CMD_OK          0
#define CMD_USAGE       1  /* wrong invocation or options, or not permitted */
#define CMD_SYSTEM      2  /* out of memory, processes, descriptors */
#define CMD_BUG         4  /* internal error */
#define CMD_INTERRUPTED 8  /* by the user */
#define CMD_FAILED      32 /* the command failed */

/* The run() functions of command-table.c. */
int cmd_mount(struct cmd_call *call);
int cmd_run_command(struct cmd_call *call);
int cmd_umount(struct cmd_call *call);
int cmd_probe(struct cmd_call *call);
int cmd_view(struct cmd_call *call); /* sends one request to the process of a view */
int cmd_trace(struct cmd_call *call);
int cmd_filter_list(struct cmd_call *call);
int cmd_filter_check(struct cmd_call *call);
int cmd_filter_new(struct cmd_call *call);
int cmd_rules_check(struct cmd_call *call);
int cmd_rules_explain(struct cmd_call *call);
int cmd_rules_load(struct cmd_call *call);

/*
 * The mount command for mount(8), which runs it as the helper mount.penstock with the arguments
 * `SPEC DIR [-sfnv] [-N ns] [-o options] [-t type]`. There -f means "pretend", not "foreground".
 */
int cmd_mount_helper(int argc, char **argv);

/*
 * Lists the installed filters. Returns 0, or -ENOMEM. After 0 the caller frees *ret_rows.
 */
struct pst_filter;
int cmd_installed_filters(struct pst_filter **ret_rows, size_t *ret_n);

/*
 * Prints the description of the filter of a spec: its use and options. Returns false if there
 * is no such filter.
 */
bool cmd_describe_filter(const char *spec);

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

/* Warns of lines in a file of rules with syntax of other programs. path may be NULL. */
void cmd_warn_rules(const char *path);

/* Prints the text of --help. */
void cmd_print_help(const struct cmd *cmd);

/* Prints an error about the arguments, and the usage line. Returns CMD_USAGE. */
int cmd_usage_error(const struct cmd *cmd, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Returns the exit code for a negative errno. */
int cmd_exit_code(int error);
