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
	if (cmd->flag)
		fprintf(file, " [--%s]", cmd->flag);
	if (cmd->json_help)
		fprintf(file, " [--json]");
	fprintf(file, " %s\n", cmd->arguments);
}

void cmd_print_help(const struct cmd *cmd)
{
	char left[32];

	print_usage(stdout, cmd);
	printf("\n%s", cmd->help);
	if (cmd->flag || cmd->json_help)
		printf("\n");
	if (cmd->flag) {
		snprintf(left, sizeof(left), "-%c, --%s", cmd->flag[0], cmd->flag);
		printf("  %-13s  %s\n", left, cmd->flag_help);
	}
	if (cmd->json_help)
		printf("  %-13s  %s\n", "--json", cmd->json_help);
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

/* Parses the options and arguments. With --help no arguments are needed. Returns an exit code. */
static int parse(struct cmd_call *call, bool *ret_help)
{
	const struct cmd *cmd = call->cmd;
	char letters[] = ":h\0";
	struct option options[4] = { { "help", no_argument, NULL, 'h' } };
	char letter[] = "-?";
	const char *unknown = NULL;
	int n = 1, option, n_words, min, max;

	if (cmd->json_help)
		options[n++] = (struct option){ "json", no_argument, NULL, 'j' };
	if (cmd->flag) {
		letters[2] = cmd->flag[0];
		options[n++] = (struct option){ cmd->flag, no_argument, NULL, cmd->flag[0] };
	}
	while ((option = getopt_long(call->argc, call->argv, letters, options, NULL)) != -1) {
		if (option == 'h')
			*ret_help = true;
		else if (option == 'j')
			call->json = true;
		else if (cmd->flag && option == cmd->flag[0])
			call->flag = true;
		else if (!unknown)
			unknown = refused_option(call, letter);
	}
	call->words = call->argv + optind;
	n_words = call->argc - optind;
	if (unknown)
		return cmd_usage_error(cmd, "there is no option \"%s\"", unknown);
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
