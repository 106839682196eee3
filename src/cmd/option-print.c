// SPDX-License-Identifier: LGPL-2.1-or-later
/* Prints mount options. No state, no locks. */
#include "cmd/option-print.h"
#include "cmd/out.h"
#include "option/apply.h"
#include "option/table.h"

#include <stdio.h>
#include <string.h>

#define WORD_SIZE 64

static void print_own(const struct option_row *row, bool all)
{
	const char *names = row->names;
	char name[WORD_SIZE], left[128];

	for (int i = 0; option_next_word(&names, ' ', name, sizeof(name)); i++) {
		snprintf(left, sizeof(left), "%s%s%s", name, row->values ? "=" : "",
			 row->values ? row->values : "");
		/* The three timeouts are options of their own, not names of one. */
		if (i == 0 || row->kind == OPTION_TIMEOUT)
			printf("  %-38s %s\n", left,
			       row->help ? row->help : "as in other programs");
		else if (all)
			printf("  %-38s as %.*s\n", left, (int)strcspn(row->names, " "),
			       row->names);
	}
}

static void print_other(const struct option_row *row)
{
	const char *names = row->names;
	char name[WORD_SIZE];

	while (option_next_word(&names, ' ', name, sizeof(name)))
		printf("  %-38s %s%s%s\n", name, option_kind_help(row), row->help ? ": " : "",
		       row->help ? row->help : "");
}

void option_print_help(bool all)
{
	for (size_t i = 0; i < option_n_rows; i++)
		if (option_is_own(&option_rows[i]) && (all || option_rows[i].help))
			print_own(&option_rows[i], all);
	if (!all)
		return;
	printf("\nOptions of other programs:\n");
	for (size_t i = 0; i < option_n_rows; i++)
		if (!option_is_own(&option_rows[i]))
			print_other(&option_rows[i]);
}

bool option_describe(const char *name)
{
	const struct option_row *row = option_find(name);

	if (!row)
		return false;
	printf("An option of `penstock mount`, as -o NAME[=VALUE],... or --NAME[=VALUE]:\n");
	if (option_is_own(row))
		print_own(row, true);
	else
		print_other(row);
	return true;
}

void option_print(const struct mount_options *options)
{
	const struct mount_options defaults = MOUNT_OPTIONS_INIT;

	for (size_t i = 0; i < option_n_rows; i++) {
		const struct option_row *row = &option_rows[i];
		char value[4096] = "", usual[4096] = "";

		if (!row->help || !option_show(options, row, value, sizeof(value)))
			continue;
		if (!option_show(&defaults, row, usual, sizeof(usual)) || strcmp(value, usual) != 0)
			out_line("%.*s%s%s", (int)strcspn(row->names, " "), row->names,
				 *value ? "=" : "", value);
	}
	for (size_t i = 0; i < options->n_filters; i++)
		out_line("filter=%s", options->filters[i]);
}
