// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * penstock help: the overview of all commands, and the help of a word: a command, an option of
 * `penstock mount`, or an installed filter.
 */
#include "cmd/cmd-help.h"
#include "cmd/cmd.h"
#include "cmd/command-table.h"
#include "cmd/option-apply.h"
#include "cmd/option-table.h"
#include "util/suggest.h"

#include <penstock/penstock.h>

#include <stdbool.h>
#include <stdio.h>

#define N_FILTERS 64

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
	struct pst_filter filters[N_FILTERS];
	size_t n = 0;

	command_suggest(&suggestion, NULL, word);
	for (size_t i = 0; i < option_n_rows; i++) {
		const char *names = option_rows[i].names;
		char name[64];

		while (option_is_own(&option_rows[i]) &&
		       option_next_word(&names, ' ', name, sizeof(name)))
			suggest_try(&suggestion, word, name);
	}
	pst_filter_list(filters, N_FILTERS, &n);
	for (size_t i = 0; i < n && i < N_FILTERS; i++)
		suggest_try(&suggestion, word, filters[i].name);
	cmd_error("there is no command, option or filter \"%s\"%s%s%s; `penstock help` lists the "
		  "commands, `penstock mount --help` the options, `penstock filter list` the "
		  "filters",
		  word, *suggestion.word ? " (did you mean \"" : "", suggestion.word,
		  *suggestion.word ? "\"?)" : "");
	return CMD_USAGE;
}

int help_word(int argc, char **argv)
{
	char *help_argv[] = { "help", "--help", NULL };
	const struct option_row *option;
	const struct cmd *cmd;
	bool found;
	int n_used;

	if (argc < 2 || argv[1][0] == '-') {
		help_overview();
		return CMD_OK;
	}
	cmd = command_find(argc, argv, &n_used);
	if (cmd && n_used == argc - 1)
		return cmd_run(cmd, 2, help_argv);
	if (argc == 2) {
		option = option_find(argv[1]);
		found = option && option_is_own(option) && option_describe(argv[1]);
		/* "hide" is both an option of mount and a filter. */
		if (found)
			printf("\n");
		found |= cmd_describe_filter(argv[1]);
		/* Options of other programs come last: "owner" of mount(8) is rarely meant. */
		if (found || option_describe(argv[1]))
			return CMD_OK;
	}
	return unknown(argv[cmd && argc > 2 ? 2 : 1]);
}
