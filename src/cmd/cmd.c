// SPDX-License-Identifier: LGPL-2.1-or-later
/* What all subcommands share: how they speak to the person who called them. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"

const char *cmd_name = "penstock";

void cmd_error(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s: ", cmd_name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

/* The helper of mount(8) is called by its own name, subcommands by that of the program. */
static void print_usage(FILE *file, const struct cmd *cmd)
{
	fprintf(file, "usage: %s%s%s %s\n", cmd_name, cmd->name ? " " : "",
		cmd->name ? cmd->name : "", cmd->arguments);
}

void cmd_print_help(const struct cmd *cmd)
{
	print_usage(stdout, cmd);
	printf("\n%s", cmd->help);
}

int cmd_usage_error(const struct cmd *cmd, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s: ", cmd_name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	print_usage(stderr, cmd);
	return CMD_USAGE;
}

int cmd_exit_code(int error)
{
	switch (-error) {
	case 0:
		return CMD_OK;
	case EPERM:
	case EACCES:
	case EINVAL:
		return CMD_USAGE;
	case ENOMEM:
	case EMFILE:
	case ENFILE:
	case EAGAIN:
		return CMD_SYSTEM;
	case EINTR:
		return CMD_INTERRUPTED;
	default:
		return CMD_FAILED;
	}
}

/* Levenshtein's distance; words longer than any of ours are as far away as can be. */
static unsigned int distance(const char *a, const char *b)
{
	enum { MAX = 32 };
	unsigned int row[MAX + 1];
	size_t n_a = strlen(a), n_b = strlen(b);

	if (n_a > MAX || n_b > MAX)
		return MAX;
	for (size_t j = 0; j <= n_b; j++)
		row[j] = j;

	for (size_t i = 1; i <= n_a; i++) {
		unsigned int diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= n_b; j++) {
			unsigned int best = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[n_b];
}

const char *cmd_nearest(const char *word, const void *names, size_t n, size_t stride)
{
	/* A third of the letters may be wrong; more than that is no longer a slip of the finger. */
	unsigned int nearest = (strlen(word) + 2) / 3 + 1;
	const char *found = NULL;

	for (size_t i = 0; i < n; i++) {
		const char *name = *(const char *const *)((const char *)names + i * stride);
		unsigned int d = distance(word, name);

		if (d < nearest) {
			nearest = d;
			found = name;
		}
	}
	return found;
}
