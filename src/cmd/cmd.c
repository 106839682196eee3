// SPDX-License-Identifier: LGPL-2.1-or-later
/* What all subcommands share: how they speak to the person who called them. */
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/out.h"
#include "util/cleanup.h"
#include "util/utf8.h"

const char *cmd_name = "penstock";

/* Of the process, which runs one subcommand. The threads of a view print their log here. */
static pthread_mutex_t error_lock = PTHREAD_MUTEX_INITIALIZER;
static char *last_error;		/* guarded by error_lock */
static bool json_done;

/* One line, whatever the names in it are made of, and whoever else prints one. */
static void print_error(const char *format, va_list args)
{
	_cleanup_(freep) char *text = NULL;

	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	pthread_mutex_lock(&error_lock);
	fprintf(stderr, "%s: ", cmd_name);
	utf8_print(stderr, text ? text : "out of memory");
	fputc('\n', stderr);
	free(last_error);
	last_error = take_ptr(text);
	pthread_mutex_unlock(&error_lock);
}

void cmd_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_error(format, args);
	va_end(args);
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

	va_start(args, format);
	print_error(format, args);
	va_end(args);
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

void cmd_json_done(void)
{
	json_done = true;
}

/* As getopt_long() takes it: also shortened. "--" ends the options. */
static bool wants_json(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strlen(argv[i]) >= 3 && strncmp("--json", argv[i], strlen(argv[i])) == 0)
			return true;
	return false;
}

int cmd_run(const struct cmd *cmd, int argc, char **argv)
{
	bool json = wants_json(argc, argv);
	int code = cmd->run(cmd, argc, argv);

	if (code != CMD_OK && json && !json_done)
		out_json_error(last_error ? last_error : "", code);
	return code;
}
