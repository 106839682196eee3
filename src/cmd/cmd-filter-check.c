// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * penstock filter check: loads a filter into the kernel, says what it is, and lets go of it. Where
 * the kernel refuses it, the end of what the verifier said stands below the reason, since that is
 * where it says what it did not like.
 */
#include <errno.h>
#include <getopt.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <penstock/penstock.h>

#include "cmd/cmd.h"
#include "cmd/out.h"
#include "ctl/flags.h"
#include "ctl/text.h"
#include "util/cleanup.h"

#define ROWS(array) (sizeof(array) / sizeof((array)[0]))

enum {
	LOG_SIZE = 16 << 20,
	LOG_LINES = 40, /* of it, without -v */
};

static void add_text(struct json_object *object, const char *member, const char *text)
{
	json_object_object_add(object, member, text_to_json(text));
}

static struct json_object *line_to_json(const char *text, size_t len)
{
	_cleanup_(freep) char *line = strndup(text, len);

	return line ? text_to_json(line) : NULL;
}

/* An array of the lines of a text. */
static void add_lines(struct json_object *object, const char *member, const char *text)
{
	struct json_object *lines = json_object_new_array();

	for (size_t len; *text; text += len + (text[len] == '\n')) {
		len = strcspn(text, "\n");
		json_object_array_add(lines, line_to_json(text, len));
	}
	json_object_object_add(object, member, lines);
}

/* Of more options or programs than a report has rows there are none to be shown. */
#define SHOWN(report, rows) \
	((report)->n_##rows < ROWS((report)->rows) ? (report)->n_##rows : ROWS((report)->rows))

/* {"version":1,"file":...,"summary":...,"flags":[...],"does":[...],"options":[...],"programs":[...]} */
static struct json_object *to_json(const struct pst_filter_report *report)
{
	struct json_object *object = json_object_new_object();
	struct json_object *options = json_object_new_array();
	struct json_object *programs = json_object_new_array();

	json_object_object_add(object, "version", json_object_new_int(1));
	add_text(object, "file", report->file);
	add_text(object, "summary", report->summary);
	json_object_object_add(object, "flags", flags_to_json(report->flags));
	add_lines(object, "does", report->does);
	json_object_object_add(object, "options", options);
	json_object_object_add(object, "programs", programs);
	for (uint32_t i = 0; i < SHOWN(report, options); i++) {
		struct json_object *option = json_object_new_object();

		add_text(option, "name", report->options[i].name);
		add_text(option, "type", report->options[i].type);
		add_text(option, "value", report->options[i].value);
		add_text(option, "help", report->options[i].help);
		json_object_array_add(options, option);
	}
	for (uint32_t i = 0; i < SHOWN(report, programs); i++) {
		struct json_object *program = json_object_new_object();

		add_text(program, "name", report->programs[i].name);
		json_object_object_add(program, "instructions",
				       json_object_new_int64(report->programs[i].n_insns));
		json_object_array_add(programs, program);
	}
	return object;
}

/* The last n lines of a text. */
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

static int fail(const struct pst_error *error, const char *log, bool verbose, const struct out *out)
{
	const char *rest = verbose ? log : last_lines(log, LOG_LINES);
	struct json_object *object;

	cmd_error("%s", error->text);
	if (out == &out_json) {
		object = json_object_new_object();
		json_object_object_add(object, "version", json_object_new_int(1));
		add_text(object, "error", error->text);
		json_object_object_add(object, "errno", json_object_new_int(-error->code));
		json_object_object_add(object, "exit", json_object_new_int(CMD_FAILED));
		add_text(object, "log", rest);
		out->filter_report(object);
		json_object_put(object);
		cmd_json_done();
		return CMD_FAILED;
	}
	if (!*log)
		return CMD_FAILED;
	if (rest != log)
		fprintf(stderr, "\nThe verifier's last words (all of them: -v):\n");
	else
		fprintf(stderr, "\nThe verifier said:\n");
	fprintf(stderr, "%s%s", rest, rest[strlen(rest) - 1] == '\n' ? "" : "\n");
	return CMD_FAILED;
}

/* Who must not load it is told at least what it is. */
static void report_unloaded(const struct pst_filter_report *report, const struct out *out)
{
	struct json_object *object = to_json(report);

	out->filter_report(object);
	json_object_put(object);
	printf("\n");
	fflush(stdout);
}

static int check(const char *spec, bool verbose, const struct out *out)
{
	_cleanup_(freep) struct pst_filter_report *report = calloc(1, sizeof(*report));
	_cleanup_(freep) char *log = calloc(1, LOG_SIZE);
	struct pst_error error = { 0 };
	struct json_object *object;

	if (!report || !log) {
		cmd_error("%s: %s", spec, strerror(ENOMEM));
		return CMD_SYSTEM;
	}
	report->size = sizeof(*report);
	if (pst_filter_check(spec, report, log, LOG_SIZE, &error) < 0) {
		if (error.code == -EPERM && *report->file && out == &out_text)
			report_unloaded(report, out);
		return fail(&error, log, verbose, out);
	}
	object = to_json(report);
	out->filter_report(object);
	json_object_put(object);
	return CMD_OK;
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const struct out *out = &out_text;
	bool verbose = false;
	int option;

	while ((option = getopt_long(argc, argv, ":vh", long_options, NULL)) != -1) {
		if (option == 'j') {
			out = &out_json;
		} else if (option == 'v') {
			verbose = true;
		} else if (option == 'h') {
			cmd_print_help(cmd);
			return CMD_OK;
		} else {
			return cmd_usage_error(cmd, "there is no option \"%s\"", argv[optind - 1]);
		}
	}
	if (argc - optind != 1)
		return cmd_usage_error(cmd, "it takes one SPEC");
	return check(argv[optind], verbose, out);
}

const struct cmd cmd_filter_check = {
	.name = "filter check",
	.arguments = "[--json] [-v] SPEC",
	.summary = "load a filter, say what it does, let go of it; no mount is needed",
	.help = "Loads the filter SPEC (an installed one's NAME, or a FILE; options may follow) into\n"
		"the kernel, and says what it will do with these options, and which programs and\n"
		"options it has. Where the kernel refuses it,\n"
		"prints the reason, and below it the last lines of what the verifier said.\n"
		"\n"
		"  -v, --verbose   all of what the verifier said\n"
		"  --json          one JSON object, also on failure: then with \"error\" and \"log\"\n",
	.run = run,
};
