// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Describes objects to users and authors of filters: lists those that are installed, and reports if
 * the kernel accepts one.
 */
#include "ebpf/describe.h"
#include "ebpf/explain.h"
#include "ebpf/load.h"
#include "ebpf/runner.h"
#include "util/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ROWS(array) (sizeof(array) / sizeof((array)[0]))

/* Writes the type of an option as users see it: its words, the kind of its IDs, or its name. */
static void write_type(const struct option *option, char *buf, size_t size)
{
	const char *words = option->takes.one_of;
	bool is_list = option->kind == OPTION_IDS;

	if (words && strlen(words) < size) {
		snprintf(buf, size, "%s", words);
		for (char *p = buf; (p = strchr(p, ' '));)
			*p = '|';
	} else if (option->kind != OPTION_ID_MAP && (option->takes.users || option->takes.groups)) {
		snprintf(buf, size, "%s%s", option->takes.users ? "user" : "group",
			 is_list ? "s" : "");
	} else {
		snprintf(buf, size, "%s", option_type(option));
	}
}

/* Fills as many rows as the report has room for; report->n_options counts all options. */
static void report_options(const struct options *options, struct pst_filter_report *report)
{
	report->n_options = options->n;
	for (size_t i = 0; i < options->n && i < ROWS(report->options); i++) {
		const struct option *option = &options->rows[i];
		struct pst_filter_option *row = &report->options[i];

		snprintf(row->name, sizeof(row->name), "%s", option->name);
		write_type(option, row->type, sizeof(row->type));
		snprintf(row->help, sizeof(row->help), "%s", option->help);
		option_value(option, row->value, sizeof(row->value));
	}
}

/*
 * A program that the kernel has loaded has its final number of instructions, because libbpf has
 * linked functions in. The machine knows the number of the programs that it can run.
 */
static size_t count_insns(const struct load *load, const struct bpf_program *program, bool loaded)
{
	int64_t function =
		load->machine ? machine_function(load->machine, bpf_program__name(program)) : -1;

	if (loaded)
		return bpf_program__insn_cnt(program);
	return function < 0 ? 0 : machine_function_size(load->machine, function);
}

static void report_programs(const struct load *load, bool loaded, struct pst_filter_report *report)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, load->object.bpf) {
		struct pst_filter_program *row;

		if (!bpf_program__autoload(program))
			continue;
		if (report->n_programs++ >= ROWS(report->programs))
			continue;
		row = &report->programs[report->n_programs - 1];
		snprintf(row->name, sizeof(row->name), "%s", program_name(program));
		row->n_insns = (uint32_t)count_insns(load, program, loaded);
	}
}

/*
 * Replaces characters that control a terminal. The log quotes lines of source from the object,
 * which could send commands to the terminal of the user.
 */
static void make_printable(char *log)
{
	for (unsigned char *p = (unsigned char *)log; *p; p++)
		if ((*p < 0x20 && *p != '\n' && *p != '\t') || *p == 0x7f)
			*p = '?';
}

/* Copies the last whole lines that fit, because the end of a log has the reason. */
static void copy_log(const char *text, char *log, size_t log_size)
{
	size_t len = strlen(text);

	if (!log || !log_size)
		return;
	if (len >= log_size) {
		const char *cut = text + len - (log_size - 1), *line = strchr(cut, '\n');

		text = line && line[1] ? line + 1 : cut;
	}
	snprintf(log, log_size, "%s", text);
	make_printable(log);
}

/* Finds out where the filter can run, and reports it. Returns 0, or -errno and *error. */
static int try_places(struct load *load, struct pst_filter_report *report, struct pst_error *error)
{
	struct pst_error kernel, process;
	int in_process, in_kernel;
	bool works;

	/* The process comes first, because the constants of a loaded object cannot be set. */
	in_process = load_finish(load, &runner_process, NULL, &process);
	in_kernel = runner_kernel_works(&kernel);
	works = in_kernel == 0;
	if (works)
		in_kernel = load_finish(load, &runner_kernel, NULL, &kernel);
	if (in_kernel < 0)
		snprintf(report->kernel_why, sizeof(report->kernel_why), "%s", kernel.text);
	if (in_process < 0)
		snprintf(report->process_why, sizeof(report->process_why), "%s", process.text);
	report_programs(load, in_kernel == 0, report);
	if (!works && in_process == 0)
		return 0;
	return in_kernel < 0 ? error_set(error, in_kernel, "%s", kernel.text) : 0;
}

static void report_wrong_options(struct load *load, struct pst_filter_report *report)
{
	static const char why[] = "an option is missing or wrong";

	snprintf(report->kernel_why, sizeof(report->kernel_why), "%s", why);
	snprintf(report->process_why, sizeof(report->process_why), "%s", why);
	report_programs(load, false, report);
}

int pst_filter_check(const char *spec, struct pst_filter_report *ret_report, char *log,
		     size_t log_size, struct pst_error *error)
{
	_cleanup_(load_fini) struct load load = { 0 };
	_cleanup_(freep) struct pst_filter_report *report = calloc(1, sizeof(*report));
	int r;

	if (!report)
		return error_set(error, -ENOMEM, "out of memory");
	copy_log("", log, log_size);
	r = load_open(&load, spec, error);
	if (r < 0 && !load.object.bpf)
		return r;
	if (r == 0)
		r = try_places(&load, report, error);
	else
		report_wrong_options(&load, report);
	copy_log(load.object.verifier_log, log, log_size);
	snprintf(report->file, sizeof(report->file), "%s", load.path);
	memcpy(report->summary, load.object.info.summary, sizeof(report->summary));
	report->flags = load.object.info.flags;
	report_options(&load.options, report);
	describe(&load, report->does, sizeof(report->does));
	/* A caller that was built with an older header has a smaller report. */
	report->size = ret_report->size;
	memcpy(ret_report, report,
	       ret_report->size < sizeof(*report) ? ret_report->size : sizeof(*report));
	return r;
}

int pst_filter_list(struct pst_filter *rows, size_t n, size_t *ret_n)
{
	_cleanup_(capture_end) struct capture capture = capture_begin();
	_cleanup_(spec_names_fini) struct spec_names names = { 0 };
	int r = spec_names(&names);

	if (r < 0)
		return r;
	for (size_t i = 0; i < names.n && i < n; i++) {
		_cleanup_(object_fini) struct object object = { 0 };
		_cleanup_(freep) char *path = NULL;
		struct pst_error error;

		rows[i] = (struct pst_filter){ 0 };
		snprintf(rows[i].name, sizeof(rows[i].name), "%s", names.rows[i]);
		snprintf(rows[i].spec, sizeof(rows[i].spec), "%s", names.rows[i]);
		if (object_open(names.rows[i], &path, &object, &error) < 0)
			continue;
		snprintf(rows[i].file, sizeof(rows[i].file), "%s", path);
		memcpy(rows[i].summary, object.info.summary, sizeof(rows[i].summary));
		rows[i].flags = object.info.flags;
	}
	*ret_n = names.n;
	return 0;
}
