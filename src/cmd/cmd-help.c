// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * penstock help: the overview of all commands, and the help of a word: a command, an option of
 * `penstock mount`, or an installed filter.
 */
#include "cmd/cmd-help.h"
#include "cmd/cmd.h"
#include "cmd/command-table.h"
#include "cmd/option-print.h"
#include "option/table.h"
#include "util/cleanup.h"
#include "util/suggest.h"

#include <penstock/penstock.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

void help_overview(void)
{
	printf("penstock shows a directory tree at a second place, through filters.\n"
	       "\n"
	       "usage: penstock COMMAND ...\n"
	       "       penstock LOWER MOUNTPOINT [-o OPTIONS]    short for `penstock mount`\n"
	       "\n");
	command_list(NULL);
	printf("  help     describe a command, an option of mount, or an installed filter\n");
	printf("\n"
	       "`penstock help WORD` describes a command, an option of mount, or a filter;\n"
	       "penstock(1) is the manual.\n");
}

static int unknown(const char *word)
{
	struct suggestion suggestion = SUGGESTION_INIT;
	_cleanup_(freep) struct pst_filter *filters = NULL;
	size_t n = 0;

	command_suggest(&suggestion, NULL, word);
	for (size_t i = 0; i < option_n_rows; i++) {
		const char *names = option_rows[i].names;
		char name[64];

		while (option_is_own(&option_rows[i]) &&
		       option_next_word(&names, ' ', name, sizeof(name)))
			suggest_try(&suggestion, word, name);
	}
	cmd_installed_filters(&filters, &n);
	for (size_t i = 0; i < n; i++)
		suggest_try(&suggestion, word, filters[i].name);
	cmd_error("there is no command, option or filter \"%s\"%s%s%s; `penstock help` lists the "
		  "commands, `penstock mount --help` the options, `penstock filter list` the "
		  "filters",
		  word, *suggestion.word ? " (did you mean \"" : "", suggestion.word,
		  *suggestion.word ? "\"?)" : "");
	return CMD_USAGE;
}

static bool is_filter(const char *word)
{
	_cleanup_(freep) struct pst_filter *filters = NULL;
	size_t n = 0;

	cmd_installed_filters(&filters, &n);
	for (size_t i = 0; i < n; i++)
		if (strcmp(filters[i].name, word) == 0)
			return true;
	return false;
}

/* Describes an option of a view, a filter, or both. Returns false if there is neither. */
static bool describe(const char *word, bool found)
{
	const struct option_row *option = option_find(word);

	if (option && option_is_own(option)) {
		if (found)
			printf("\n");
		found |= option_describe(word);
	}
	if (is_filter(word)) {
		if (found)
			printf("\n");
		found |= cmd_describe_filter(word);
	}
	/* Options of other programs come last: "owner" of mount(8) is rarely meant. */
	return found || option_describe(word);
}

int help_word(int argc, char **argv)
{
	char *help_argv[] = { "help", "--help", NULL };
	const struct cmd *cmd;
	bool found;
	int n_used;

	if (argc < 2 || argv[1][0] == '-') {
		help_overview();
		return CMD_OK;
	}
	cmd = command_find(argc, argv, &n_used);
	found = cmd && n_used == argc - 1;
	if (found)
		cmd_run(cmd, 2, help_argv);
	/* A word such as "rules" is a command, an option and a filter. */
	if (argc == 2 ? describe(argv[1], found) : found)
		return CMD_OK;
	return unknown(argv[cmd && argc > 2 ? 2 : 1]);
}
