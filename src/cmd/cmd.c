// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The parts that all commands share: the parser of common options, help, errors and answers. The
 * process runs one command. Several threads of a view may print errors: each holds error_lock while
 * it prints a line, so that lines are not mixed.
 */
#include "cmd/cmd.h"
#include "cmd/out.h"
#include "ctl/json.h"
#include "util/cleanup.h"
#include "util/utf8.h"

#include <errno.h>
#include <getopt.h>
#include <json-c/json.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *cmd_name = "penstock";

static pthread_mutex_t error_lock = PTHREAD_MUTEX_INITIALIZER;
static char *last_error; /* guarded by error_lock */

/* Prints one line. Names in it may have any bytes: control characters are printed as escapes. */
static void print_error(const char *command, const char *format, va_list args)
{
	_cleanup_(freep) char *text = NULL;

	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	pthread_mutex_lock(&error_lock);
	fprintf(stderr, "%s%s%s: ", cmd_name, command ? " " : "", command ? command : "");
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
	print_error(NULL, format, args);
	va_end(args);
}

/* The mount helper has no command: its usage line begins with its own name. */
static void print_usage(FILE *file, const struct cmd *cmd)
{
	fprintf(file, "usage: %s", cmd_name);
	if (cmd->name)
		fprintf(file, " %s", cmd->name);
	for (const struct cmd_option *option = cmd->options; option->name; option++)
		fprintf(file, " [--%s%s%s]", option->name, option->value ? "=" : "",
			option->value ? option->value : "");
	if (cmd->json_help)
		fprintf(file, " [--json]");
	fprintf(file, " %s\n", cmd->arguments);
}

void cmd_print_help(const struct cmd *cmd)
{
	char left[48];

	print_usage(stdout, cmd);
	printf("\n%s", cmd->help);
	if (cmd->options[0].name || cmd->json_help)
		printf("\n");
	for (const struct cmd_option *option = cmd->options; option->name; option++) {
		char letter[] = { '-', option->letter, ',', ' ', '\0' };

		snprintf(left, sizeof(left), "%s--%s%s%s", option->letter ? letter : "",
			 option->name, option->value ? "=" : "",
			 option->value ? option->value : "");
		printf("  %-20s  %s\n", left, option->help);
	}
	if (cmd->json_help)
		printf("  %-20s  %s\n", "--json", cmd->json_help);
	if (cmd->help_more)
		cmd->help_more(cmd);
}

int cmd_usage_error(const struct cmd *cmd, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_error(cmd->name, format, args);
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

/* Counts the arguments that a row needs at least, and those that it allows at most. */
static void count_arguments(const char *arguments, int *ret_min, int *ret_max)
{
	*ret_min = *ret_max = 0;
	for (const char *at = arguments; *at; at += strcspn(at, " "), at += *at == ' ') {
		if (strncmp(at, "...", 3) == 0) {
			*ret_max = INT_MAX;
			return;
		}
		*ret_max += 1;
		*ret_min += *at != '[';
	}
}

/*
 * Returns the option that getopt_long() has just refused: "-x", in letter, or the whole word
 * "--option".
 */
static const char *refused_option(const struct cmd_call *call, char *letter)
{
	const char *word = call->argv[optind - 1];

	/* getopt_long(3) also sets optopt for a word with a value that the option does not take. */
	if (!optopt || (strncmp(word, "--", 2) == 0 && strchr(word, '=')))
		return word;
	letter[1] = (char)optopt;
	return letter;
}

const char *cmd_given(const struct cmd_call *call, const char *option)
{
	for (int i = 0; call->cmd->options[i].name; i++)
		if (strcmp(call->cmd->options[i].name, option) == 0)
			return call->given[i];
	return NULL;
}

/* The numbers by which getopt_long() returns the options of a row; below are letters. */
#define FIRST_OPTION 256

/* Fills what getopt_long() needs for the options of a command. */
static void list_options(const struct cmd *cmd, char *letters, struct option *options)
{
	*letters++ = ':';
	*letters++ = 'h';
	*options++ = (struct option){ "help", no_argument, NULL, 'h' };
	if (cmd->json_help)
		*options++ = (struct option){ "json", no_argument, NULL, 'j' };
	for (int i = 0; cmd->options[i].name; i++) {
		const struct cmd_option *option = &cmd->options[i];

		*options++ = (struct option){ option->name,
					      option->value ? required_argument : no_argument, NULL,
					      FIRST_OPTION + i };
		if (option->letter)
			*letters++ = option->letter;
	}
	*letters = '\0';
	*options = (struct option){ 0 };
}

/* Returns the index of the option whose number or letter getopt_long() has returned, or -1. */
static int option_index(const struct cmd *cmd, int returned)
{
	for (int i = 0; cmd->options[i].name; i++)
		if (returned == FIRST_OPTION + i ||
		    (returned && returned == cmd->options[i].letter))
			return i;
	return -1;
}

/* Parses the options and arguments. With --help no arguments are needed. Returns an exit code. */
static int parse(struct cmd_call *call, bool *ret_help)
{
	const struct cmd *cmd = call->cmd;
	struct option options[CMD_N_OPTIONS + 3];
	char letters[CMD_N_OPTIONS + 3], letter[] = "-?";
	const char *unknown = NULL, *no_value = NULL;
	int returned, n_words, min, max;

	list_options(cmd, letters, options);
	while ((returned = getopt_long(call->argc, call->argv, letters, options, NULL)) != -1) {
		int i = option_index(cmd, returned);

		if (returned == 'h')
			*ret_help = true;
		else if (returned == 'j')
			call->json = true;
		else if (i >= 0)
			call->given[i] = optarg ? optarg : "";
		else if (returned == ':')
			no_value = call->argv[optind - 1];
		else if (!unknown)
			unknown = refused_option(call, letter);
	}
	call->words = call->argv + optind;
	n_words = call->argc - optind;
	if (unknown)
		return cmd_usage_error(cmd, "there is no option \"%s\"", unknown);
	if (no_value)
		return cmd_usage_error(cmd, "option %s needs a value", no_value);
	count_arguments(cmd->arguments, &min, &max);
	if (!*ret_help && (n_words < min || n_words > max))
		return cmd_usage_error(cmd, "%d argument%s given, but the command takes %s",
				       n_words, n_words == 1 ? "" : "s", cmd->arguments);
	return CMD_OK;
}

static void answer_error(struct cmd_call *call, int code)
{
	struct json_object *answer = json_object_new_object();

	json_add_number(answer, "version", 1);
	json_add_text(answer, "error", last_error);
	json_add_number(answer, "exit", code);
	cmd_answer(call, answer);
}

void cmd_answer(struct cmd_call *call, struct json_object *answer)
{
	(call->json ? out_json : call->cmd->print)(answer);
	json_object_put(answer);
	call->answered = true;
}

int cmd_run(const struct cmd *cmd, int argc, char **argv)
{
	struct cmd_call call = { .cmd = cmd, .argc = argc, .argv = argv };
	bool help = false;
	int code = cmd->own_options ? CMD_OK : parse(&call, &help);

	if (code == CMD_OK && help)
		cmd_print_help(cmd);
	else if (code == CMD_OK)
		code = cmd->run(&call);
	if (code != CMD_OK && call.json && !call.answered)
		answer_error(&call, code);
	return code;
}
