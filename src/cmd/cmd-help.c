// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * penstock help: the overview of all commands, and the help of a word: a command, an option of
 * `penstock mount`, or an installed filter.
 */
#include "cmd/cmd.h"
#include "cmd/command-table.h"
#include "cmd/option-apply.h"
#include "cmd/option-table.h"
#include "util/suggest.h"

#include <penstock/penstock.h>

#include <stdio.h>

#define N_FILTERS 64

void cmd_overview(void)
{
	printf("penstock shows a directory tree at a second place, through filters.\n"
	       "\n"
	       "usage: penstock COMMAND ...\n"
	       "       penstock LOWER MOUNTPOINT [-o OPTIONS]    short for `penstock mount`\n"
	       "\n");
	command_list(NULL);
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

int cmd_help(struct cmd_call *call)
{
	char *help_argv[] = { "help", "--help", NULL };
	int n = !call->words[0] ? 0 : !call->words[1] ? 1 : 2, n_used;
	const struct cmd *cmd;

	if (n == 0) {
		cmd_overview();
		return CMD_OK;
	}
	/* command_find() takes the words of a command line, so words[-1] is "help". */
	cmd = command_find(n + 1, call->words - 1, &n_used);
	if (cmd && n_used == n)
		return cmd_run(cmd, 2, help_argv);
	if (n == 1 && (option_describe(call->words[0]) || cmd_describe_filter(call->words[0])))
		return CMD_OK;
	return unknown(call->words[n_used < n ? n_used : n - 1]);
}
