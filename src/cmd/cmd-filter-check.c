// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * penstock filter check: loads a filter where filters can run, describes it, and unloads it. If the
 * kernel refuses the filter, the end of the verifier's log is printed after the reason, because the
 * verifier writes its objection last.
 */
#include "cmd/cmd.h"
#include "cmd/out.h"
#include "ctl/flags.h"
#include "ctl/json.h"
#include "util/cleanup.h"

#include <penstock/penstock.h>

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#define ROWS(array) (sizeof(array) / sizeof((array)[0]))

#define LOG_SIZE  (16 << 20)
#define LOG_LINES 40 /* the last lines of the log, which are printed without -v */

/* The report counts all options and programs, but has room for the first of them only. */
#define SHOWN(report, rows)                                                                        \
	((report)->n_##rows < ROWS((report)->rows) ? (report)->n_##rows : ROWS((report)->rows))

/*
 * Returns {"version":1,"file":...,"summary":...,"flags":[...],"does":[...],"options":[...],
 * "programs":[...],"kernel_why":...,"process_why":...}. Cuts the text report->does into its lines.
 */
static struct json_object *to_json(struct pst_filter_report *report)
{
	struct json_object *object = json_object_new_object(), *lines, *options, *programs;
	char *rest = report->does, *line;

	json_add_number(object, "version", 1);
	json_add_text(object, "file", report->file);
	json_add_text(object, "summary", report->summary);
	json_object_object_add(object, "flags", flags_to_json(report->flags));
	lines = json_add_array(object, "does");
	while ((line = strsep(&rest, "\n")))
		if (*line)
			json_object_array_add(lines, json_text(line));
	options = json_add_array(object, "options");
	for (uint32_t i = 0; i < SHOWN(report, options); i++) {
		struct json_object *option = json_append_object(options);

		json_add_text(option, "name", report->options[i].name);
		json_add_text(option, "type", report->options[i].type);
		json_add_text(option, "value", report->options[i].value);
		json_add_text(option, "help", report->options[i].help);
	}
	json_add_text(object, "kernel_why", report->kernel_why);
	json_add_text(object, "process_why", report->process_why);
	programs = json_add_array(object, "programs");
	for (uint32_t i = 0; i < SHOWN(report, programs); i++) {
		struct json_object *program = json_append_object(programs);

		json_add_text(program, "name", report->programs[i].name);
		json_add_number(program, "instructions", report->programs[i].n_insns);
	}
	return object;
}

/* Returns where the last n lines of a text begin. */
static const char *last_lines(const char *text, unsigned int n)
{
	const char *p = text + strlen(text);

	if (p > text && p[-1] == '\n')
		p--;
	for (; p > text; p--) {
		if (p[-1] == '\n' && --n == 0)
			break;
	}
	return p;
}

/* Prints the error and the verifier's log, or the end of it. Returns CMD_FAILED. */
static int fail(struct cmd_call *call, const struct pst_error *error, const char *log)
{
	const char *rest = cmd_given(call, "verbose") ? log : last_lines(log, LOG_LINES);
	struct json_object *answer;

	cmd_error("%s", error->text);
	if (call->json) {
		answer = json_object_new_object();
		json_add_number(answer, "version", 1);
		json_add_text(answer, "error", error->text);
		json_add_number(answer, "errno", -error->code);
		json_add_number(answer, "exit", CMD_FAILED);
		json_add_text(answer, "log", rest);
		cmd_answer(call, answer);
	} else if (*log) {
		fprintf(stderr, "\n%s:\n%s%s",
			rest == log ? "The verifier's log" :
				      "The last lines of the verifier's log (-v prints all of it)",
			rest, rest[strlen(rest) - 1] == '\n' ? "" : "\n");
	}
	return CMD_FAILED;
}

int cmd_filter_check(struct cmd_call *call)
{
	_cleanup_(freep) struct pst_filter_report *report = calloc(1, sizeof(*report));
	_cleanup_(freep) char *log = calloc(1, LOG_SIZE);
	struct pst_error error = { 0 };
	int r;

	if (!report || !log) {
		cmd_error("%s: %s", call->words[0], strerror(ENOMEM));
		return CMD_SYSTEM;
	}
	report->size = sizeof(*report);
	r = pst_filter_check(call->words[0], report, log, LOG_SIZE, &error);
	if (r >= 0) {
		cmd_answer(call, to_json(report));
		return CMD_OK;
	}
	/* A user who asks for the options by the NAME alone gets the description. */
	if (!*log && *report->file && !call->json) {
		cmd_answer(call, to_json(report));
		printf("\n");
		fflush(stdout);
	}
	return fail(call, &error, log);
}

bool cmd_describe_filter(const char *spec)
{
	_cleanup_(freep) struct pst_filter_report *report = calloc(1, sizeof(*report));
	struct json_object *answer;
	struct pst_error error;

	if (!report)
		return false;
	report->size = sizeof(*report);
	pst_filter_check(spec, report, NULL, 0, &error);
	if (!*report->file)
		return false;
	answer = to_json(report);
	out_filter_help(answer, spec);
	json_object_put(answer);
	return true;
}
