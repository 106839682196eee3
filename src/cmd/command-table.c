// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The commands, a row for each. A new command is a row here and a function in a file of its own.
 * The usage line, the options in --help, and errors about arguments are generated from the row.
 */
#include "cmd/command-table.h"
#include "cmd/out.h"
#include "util/suggest.h"

#include <stdio.h>
#include <string.h>

#define JSON      .json_help = "one JSON object"
#define JSON_LIST .json_help = "one JSON object, as `filter list --json` prints it"

static int run_group(struct cmd_call *call);
static void print_filter_help(const struct cmd *cmd);
static void print_rules_help(const struct cmd *cmd);

/* clang-format off */
static const struct cmd commands[] = { {
	.name = "mount",
	.arguments = "[-fdvsn] [-o OPTIONS]... LOWER MOUNTPOINT",
	.own_options = true,
	.summary = "show the directory LOWER at the directory MOUNTPOINT",
	.help =
	"Shows the tree LOWER at MOUNTPOINT. Returns as soon as the view answers; a process in\n"
	"the background serves the view until it is unmounted.\n"
	"\n"
	"  -f, --foreground   stay in the foreground\n"
	"  -d                 stay in the foreground and log everything, as -o log=debug\n"
	"  -v                 log more, as -o log=info\n"
	"  -s                 ignore unknown options\n"
	"  -n                 without effect: mount(8) passes it\n"
	"  --dry-run          mount nothing; print the options that differ from the defaults\n"
	"  --help=all         this help, and how options of other programs are treated\n"
	"  -r, -w             as -o ro, -o rw\n",
	.run = cmd_mount,
}, {
	.name = "run",
	.arguments = "[--hide LIST] [--rules FILE] [--audit FILE] [--changes] [DIR] -- COMMAND",
	.own_options = true,
	.summary = "run a command that sees DIR as a view, and cannot get around it",
	.help =
	"Runs COMMAND in the working directory. DIR, or the working directory if DIR is left out,\n"
	"shows a view of itself, which only COMMAND sees, and which ends with it. A LIST has\n"
	"names and globs, and paths from the root of the view, which begin with a slash:\n"
	".env:*.key:/secrets. The exit status is that of COMMAND; 125 if it did not run, 126 if\n"
	"it cannot be started, 127 if it is not found.\n"
	"\n"
	"  --audit FILE       write a line of JSON for each file that is opened, made, removed or\n"
	"                     refused; at the end a summary by process to standard error\n"
	"  --changes          at the end, list the files that were created, changed, removed and\n"
	"                     moved in DIR to standard error\n"
	"  --help=all         this help, and how options of other programs are treated\n",
	.run = cmd_run_command,
}, {
	.name = "umount",
	.arguments = "MOUNTPOINT",
	.options = { { "lazy", 'l', NULL,
		       "remove the view from the tree now; it ends when its last user is gone" } },
	.summary = "unmount the view at MOUNTPOINT",
	.help =
	"Unmounts the view at MOUNTPOINT and waits until its process has ended.\n"
	"A view whose process has died is removed at once, even while it is in use.\n",
	.run = cmd_umount,
}, {
	.name = "stat",
	.arguments = "MOUNTPOINT",
	JSON,
	.summary = "facts and counters of the view at MOUNTPOINT",
	.help =
	"Prints LOWER and MOUNTPOINT, whether reads and writes run in the kernel (if not: why),\n"
	"which filters the view has, and how many requests of each operation its process has\n"
	"received.\n",
	.run = cmd_view, .verb = "stat", .print = out_stat,
}, {
	.name = "filter",
	.arguments = "[list|stat|add|remove|replace|check|new] ...",
	JSON,
	.summary = "list, add, remove, check and write filters",
	.help =
	"Filters are eBPF programs that the kernel runs before and after the operations of a\n"
	"view: they refuse and change operations, hide files, and report. `penstock mount\n"
	"--filter SPEC` mounts a view with one.\n",
	.help_more = print_filter_help,
	.run = run_group,
}, {
	.name = "filter list",
	.arguments = "[MOUNTPOINT]",
	JSON,
	.summary = "the filters of a view, or those that are installed",
	.help =
	"Lists the filters of the view at MOUNTPOINT, in the order in which they run before an\n"
	"operation, and the files that were already open when a filter for data was added: the\n"
	"kernel reads and writes these files directly until they are closed. Without MOUNTPOINT\n"
	"lists the filters that are installed.\n",
	.run = cmd_filter_list, .verb = "filter-list", .print = out_filter_list,
}, {
	.name = "filter stat",
	.arguments = "MOUNTPOINT",
	JSON,
	.summary = "how often the programs of the filters ran, with what results, how long",
	.help =
	"Prints a line for each program of each filter: how often it ran; how many runs ended\n"
	"in an error that it chose; how many answered the operation themselves; how many were\n"
	"bad (the program failed or set something it must not, and the caller got EIO); and\n"
	"the mean time of a run.\n",
	.run = cmd_view, .verb = "filter-stat", .print = out_filter_stat,
}, {
	.name = "filter add",
	.arguments = "MOUNTPOINT SPEC",
	JSON_LIST,
	.summary = "add a filter, which runs before an operation after the other filters",
	.help =
	"Adds the filter SPEC to the view at MOUNTPOINT. Before an operation it runs after "
	"the\nother filters. It applies to all operations that begin after the command has "
	"returned.\n",
	.run = cmd_view, .verb = "filter-add", .members = { "spec" }, .print = out_filter_change,
}, {
	.name = "filter remove",
	.arguments = "MOUNTPOINT NAME",
	JSON_LIST,
	.summary = "remove a filter",
	.help =
	"Removes the filter NAME (see `filter list`) from the view at MOUNTPOINT.\n",
	.run = cmd_view, .verb = "filter-remove", .members = { "name" }, .print = out_filter_change,
}, {
	.name = "filter replace",
	.arguments = "MOUNTPOINT NAME SPEC",
	JSON_LIST,
	.summary = "replace a filter by another, or by the same one with other options",
	.help =
	"Replaces the filter NAME by the filter SPEC in one step: no operation runs with both\n"
	"or with neither.\n",
	.run = cmd_view, .verb = "filter-replace", .members = { "name", "spec" },
	.print = out_filter_change,
}, {
	.name = "filter check",
	.arguments = "SPEC",
	.options = { { "verbose", 'v', NULL, "print the whole log of the verifier" } },
	.json_help = "one JSON object; after a failure it has \"error\" and \"log\"",
	.summary = "load a filter, print what it does, and unload it; needs no mount",
	.help =
	"Loads the filter SPEC (the NAME of an installed one, or a FILE; options may follow)\n"
	"into the kernel, prints what it will do with these options, and which programs and\n"
	"options it has, and unloads it. If the kernel refuses the filter, prints the reason\n"
	"and the last lines of the verifier's log.\n",
	.run = cmd_filter_check, .print = out_filter_report,
}, {
	.name = "filter new",
	.arguments = "NAME",
	.summary = "make a directory with a filter to start from: source, Makefile, test",
	.help =
	"Makes the directory NAME with the source of a filter, a Makefile and a test.\n",
	.run = cmd_filter_new,
}, {
	.name = "rules",
	.arguments = "[check|explain|load] ...",
	JSON,
	.summary = "check and explain files of rules, and change those of a view",
	.help =
	"A file of rules hides, protects and masks files by lines such as \"hide *.key\" and\n"
	"\"readonly vendor/\", with the patterns of .gitignore. `penstock mount --rules FILE`\n"
	"mounts a view with one.\n",
	.help_more = print_rules_help,
	.run = run_group,
}, {
	.name = "rules check",
	.arguments = "FILE",
	JSON,
	.summary = "find mistakes in a file of rules; needs no mount",
	.help =
	"Finds errors in the rules in FILE, lines that can never decide or have no effect, and\n"
	"syntax that rules do not have. The exit status is 32 if there are any.\n",
	.run = cmd_rules_check, .print = out_rules_check,
}, {
	.name = "rules explain",
	.arguments = "FILE PATH",
	JSON,
	.summary = "which lines decide about a path, and what callers may do with it",
	.help =
	"Says which lines of the rules in FILE decide about the file at PATH, and what its\n"
	"callers see and may do. PATH begins at the root of the view, and ends with a '/' if the\n"
	"file is a directory; the file need not exist.\n",
	.run = cmd_rules_explain, .print = out_rules_explain,
}, {
	.name = "rules load",
	.arguments = "MOUNTPOINT FILE",
	JSON_LIST,
	.summary = "put a view under the rules in FILE, instead of those that it has",
	.help =
	"Puts the view at MOUNTPOINT under the rules in FILE. They apply to all operations that\n"
	"begin after the command has returned. If a line is wrong, the view keeps its rules.\n",
	.run = cmd_rules_load, .print = out_filter_change,
}, {
	.name = "trace",
	.arguments = "MOUNTPOINT",
	.options = {
		{ "all", 'a', NULL, "also print operations that no filter handled" },
		{ "events", 'e', NULL, "print only events of filters" },
		{ "past", 'p', NULL, "print the kept events (keep=N of a filter), then end" },
		{ "op", 'o', "OPS", "only these operations: names and globs, separated by ':'" },
		{ "path", 0, "GLOB", "only these paths, and what lies below them" },
		{ "process", 0, "NAME|PID", "only this program, a name or glob, or this process" },
	},
	.json_help = "one JSON object on each line",
	.summary = "print the operations of a view as they happen",
	.help =
	"Prints each operation that a filter handled, and each event that a filter reports,\n"
	"until it is interrupted or the view ends. If the view has no filters, prints each\n"
	"operation. The kernel does some operations itself, by passthrough or from its cache:\n"
	"these do not reach the process of the view and are not printed.\n",
	.run = cmd_trace, .print = out_trace,
}, {
	.name = "probe",
	.arguments = "[LOWER]",
	.options = { { "all", 'a', NULL, "also list the features that are on" } },
	JSON,
	.summary = "whether views work here, and what would make them better",
	.help =
	"Says if this user can mount views and run commands in them here, if the kernel\n"
	"passes data through and runs filters; then lists the features of this machine, and of\n"
	"the file system of LOWER, that are off: why, and how to get them. The exit status is 32\n"
	"if neither mount nor run works.\n",
	.run = cmd_probe, .print = out_probe,
} };
/* clang-format on */

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

/*
 * Returns the word of the command after the word of the group, or NULL if the command is not in
 * this group.
 */
static const char *word_in(const char *group, const struct cmd *cmd)
{
	const char *space = strchr(cmd->name, ' ');

	if (!group)
		return space ? NULL : cmd->name;
	return space && strncmp(cmd->name, group, strlen(group)) == 0 ? space + 1 : NULL;
}

static const struct cmd *find_in(const char *group, const char *name)
{
	for (size_t i = 0; i < N_COMMANDS; i++) {
		const char *word = word_in(group, &commands[i]);

		if (word && strcmp(word, name) == 0)
			return &commands[i];
	}
	return NULL;
}

const struct cmd *command_find(int argc, char **argv, int *ret_n_words)
{
	const struct cmd *cmd = find_in(NULL, argv[1]), *second = NULL;

	if (cmd && argc > 2)
		second = find_in(cmd->name, argv[2]);
	*ret_n_words = second ? 2 : 1;
	return second ? second : cmd;
}

void command_list(const char *group)
{
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (word_in(group, &commands[i]))
			printf("  %-8s %s\n", word_in(group, &commands[i]), commands[i].summary);
}

void command_suggest(struct suggestion *suggestion, const char *group, const char *word)
{
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (word_in(group, &commands[i]))
			suggest_try(suggestion, word, word_in(group, &commands[i]));
}

int command_unknown(const char *group, const char *word)
{
	const char *space = group ? " " : "", *before = group ? group : "";
	struct suggestion suggestion = SUGGESTION_INIT;

	command_suggest(&suggestion, group, word);
	if (*suggestion.word)
		cmd_error("there is no command \"%s%s%s\"; did you mean \"%s%s%s\"?", before, space,
			  word, before, space, suggestion.word);
	else
		cmd_error(
			"there is no command \"%s%s%s\"; `penstock %s%s--help` lists the commands",
			before, space, word, before, space);
	return CMD_USAGE;
}

/* Runs the name of a group: prints its help. */
static int run_group(struct cmd_call *call)
{
	if (call->words[0])
		return command_unknown(call->cmd->name, call->words[0]);
	cmd_print_help(call->cmd);
	return CMD_OK;
}

static void print_filter_help(const struct cmd *cmd)
{
	printf("\n");
	command_list(cmd->name);
	printf("\n"
	       "A SPEC is NAME|FILE[,option=value...]: the name of an installed filter, or the\n"
	       "file of its object, and its options. `penstock filter check NAME` prints the\n"
	       "options of a filter. `penstock filter COMMAND --help` describes a command;\n"
	       "penstock-filters(7) is the manual.\n");
}

static void print_rules_help(const struct cmd *cmd)
{
	printf("\n");
	command_list(cmd->name);
	printf("\n"
	       "`penstock rules COMMAND --help` describes a command; penstock-rules(5) has the\n"
	       "verbs and patterns.\n");
}
