// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The parts that all commands share: the parser of common options, help, errors and answers. The
 * process runs one command; error_lock keeps the lines that several threads of a view print whole.
 */
#include "cmd/cmd.h"
#include "cmd/out.h"
#include "ctl/json.h"
#include "util/cleanup.h"
#include "util/utf8.h"

#include <errno.h>
#include <getopt.h>
#include <json-c/json.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANY_NUMBER 1000000

const char *cmd_name = "penstock";

static pthread_mutex_t error_lock = PTHREAD_MUTEX_INITIALIZER;
static char *last_error; /* guarded by error_lock */

/* Prints one line; names in it may have any bytes. */
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

/* The helper of mount(8) is called by its own name, commands by that of the program. */
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

/* Counts the arguments that a row allows, and those that it needs. */
static void count_arguments(const char *arguments, int *ret_min, int *ret_max)
{
	*ret_min = *ret_max = 0;
	for (const char *at = arguments; *at; at += strcspn(at, " "), at += *at == ' ') {
		if (strncmp(at, "...", 3) == 0) {
			*ret_max = ANY_NUMBER;
			return;
		}
		*ret_max += 1;
		*ret_min += *at != '[';
	}
}

/* Prints "give one MOUNTPOINT", "give MOUNTPOINT, NAME and SPEC", "give one LOWER at most". */
static int wrong_number(const struct cmd *cmd, int min, int max)
{
	char text[128] = "", *space;

	snprintf(text, sizeof(text), "%s", cmd->arguments);
	if (max == 1 && min == 1)
		return cmd_usage_error(cmd, "give one %s", text);
	if (max == 1)
		return cmd_usage_error(cmd, "give one %.*s at most", (int)strcspn(text + 1, "]"),
				       text + 1);
	space = strrchr(text, ' ');
	*space = '\0';
	if (max == 3)
		return cmd_usage_error(cmd, "give %.*s, %s and %s", (int)strcspn(text, " "), text,
				       strchr(text, ' ') + 1, space + 1);
	return cmd_usage_error(cmd, "give %s and %s", text, space + 1);
}

/*
 * Returns the first option that getopt_long() has refused: a letter, also among others, or a word.
 * letter has room for "-x".
 */
static const char *refused_option(const struct cmd_call *call, char *letter)
{
	const char *word = call->argv[optind - 1];

	/*
	 * getopt_long(3) sets optopt for a word, too, if the word has a value that it does not
	 * take.
	 */
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
	int n = 1, option, min, max;

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
	if (unknown)
		return cmd_usage_error(cmd, "there is no option \"%s\"", unknown);
	count_arguments(cmd->arguments, &min, &max);
	if (!*ret_help && (call->argc - optind < min || call->argc - optind > max))
		return wrong_number(cmd, min, max);
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
