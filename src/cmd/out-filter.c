// SPDX-License-Identifier: LGPL-2.1-or-later
/* Prints answers about filters for people. No state, no locks. */
#include "cmd/out.h"
#include "ctl/flags.h"
#include "ctl/json.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Prints the files whose data the filter does not see until they are closed. */
static void print_bypassed(struct json_object *filter)
{
	uint64_t all = json_get_number(filter, "n_bypassed");
	size_t n = json_length(filter, "bypassed");

	if (!all)
		return;
	printf("    %" PRIu64
	       " file%s already open when %s was added: the kernel reads and writes\n    %s "
	       "directly until closed, and further opens fail with EBUSY until then.\n    `fuser "
	       "-v MOUNTPOINT/FILE` lists the processes that have it open.\n",
	       all, all == 1 ? " was" : "s were", json_get_text(filter, "name"),
	       all == 1 ? "it" : "them");
	for (size_t i = 0; i < n; i++)
		out_line("        %s", json_text_at(filter, "bypassed", i));
	if (all > n && n)
		printf("        and %" PRIu64 " more\n", all - n);
}

static void print_filter(struct json_object *filter)
{
	const char *at = json_get_text(filter, "at"), *flag;

	out_line("%s: %s", json_get_text(filter, "name"), json_get_text(filter, "summary"));
	out_line("    spec     %s", json_get_text(filter, "spec"));
	out_line("    file     %s", json_get_text(filter, "file"));
	if (*at)
		out_line("    at       %s", at);
	for (size_t i = 0; (flag = json_text_at(filter, "flags", i)); i++)
		printf("%s%s", i ? ", " : "    flags    ", flag);
	if (json_length(filter, "flags"))
		printf("\n");
	print_bypassed(filter);
}

static void print_installed(struct json_object *answer)
{
	struct json_object *filter;

	for (size_t i = 0; (filter = json_at(answer, "installed", i)); i++) {
		const char *summary = json_get_text(filter, "summary");

		out_line("%-14s %s", json_get_text(filter, "name"),
			 *summary ? summary : "cannot be read; see `penstock filter check`");
	}
	printf("\n`penstock help NAME` lists the options of a filter.\n");
}

void out_filter_list(struct json_object *reply)
{
	struct json_object *filter;

	if (json_length(reply, "installed")) {
		print_installed(reply);
		return;
	}
	if (!json_length(reply, "filters"))
		printf("there are no filters\n");
	for (size_t i = 0; (filter = json_at(reply, "filters", i)); i++) {
		if (i)
			printf("\n");
		print_filter(filter);
	}
}

/* A change that holds prints nothing, except the open files that it does not reach yet. */
void out_filter_change(struct json_object *reply)
{
	struct json_object *filter;

	for (size_t i = 0; (filter = json_at(reply, "filters", i)); i++)
		print_bypassed(filter);
}

static void print_mean(uint64_t ns, uint64_t n_runs)
{
	/* The module does not measure times. */
	if (n_runs && ns)
		printf(" %11.3f\n", (double)ns / (double)n_runs / 1000);
	else
		printf(" %11s\n", "-");
}

void out_filter_stat(struct json_object *reply)
{
	int width = (int)strlen("filter");
	struct json_object *row;

	if (!json_length(reply, "programs")) {
		printf("there are no filters\n");
		return;
	}
	for (size_t i = 0; (row = json_at(reply, "programs", i)); i++) {
		int length = (int)strlen(json_get_text(row, "filter"));

		width = length > width ? length : width;
	}
	printf("%-*s %-16s %12s %12s %12s %8s %11s\n", width, "filter", "program", "runs", "errors",
	       "answered", "bad", "mean [us]");
	for (size_t i = 0; (row = json_at(reply, "programs", i)); i++) {
		uint64_t n_runs = json_get_number(row, "runs");

		printf("%-*s %-16s %12" PRIu64 " %12" PRIu64 " %12" PRIu64 " %8" PRIu64, width,
		       json_get_text(row, "filter"), json_get_text(row, "program"), n_runs,
		       json_get_number(row, "errors"), json_get_number(row, "answered"),
		       json_get_number(row, "bad"));
		print_mean(json_get_number(row, "ns"), n_runs);
	}
}

/* Prints when a program runs. */
static void print_program(const char *name, uint64_t n_insns)
{
	const char *operation = strchr(name, '/');
	const char *side = strncmp(name, "pre/", 4) == 0 ? "before" : "after";

	if (n_insns)
		printf("    %-18s %6" PRIu64 "  ", name, n_insns);
	else
		printf("    %-18s %6s  ", name, "-");
	if (!operation)
		printf("for each name that is used or listed\n");
	else if (strcmp(operation, "/any") == 0)
		printf("%s every operation except read and write\n", side);
	else if (strcmp(operation, "/changes") == 0)
		printf("%s every operation that changes something, except write\n", side);
	else
		printf("%s %s\n", side, operation + 1);
}

static void print_options(struct json_object *report)
{
	struct json_object *row;
	int width = 8;

	printf("\noptions%s\n", json_length(report, "options") ? "" : "    none");
	for (size_t i = 0; (row = json_at(report, "options", i)); i++) {
		int length = (int)strlen(json_get_text(row, "type"));

		width = length > width ? length : width;
	}
	for (size_t i = 0; (row = json_at(report, "options", i)); i++) {
		const char *value = json_get_text(row, "value");

		out_line("    %-12s %-*s %-14s %s", json_get_text(row, "name"), width,
			 json_get_text(row, "type"), *value ? value : "\"\"",
			 json_get_text(row, "help"));
	}
}

/* Prints that the filter can run in a place, or why not. */
static void print_place(struct json_object *report, const char *place, const char *why)
{
	const char *text = json_get_text(report, why);

	out_line("    %-12s %s%s", place, *text ? "no: " : "yes", text);
}

void out_filter_help(struct json_object *report, const char *name)
{
	out_line("%s: %s", json_get_text(report, "file"), json_get_text(report, "summary"));
	printf("\nuse\n");
	out_line("    --filter '%s,option=value...'       a ':' separates the parts of a list",
		 name);
	out_line("    -o 'filter=%s;option=value...'      the same for -o and fstab", name);
	print_options(report);
	printf("\n`penstock filter check '%s,option=value...'` says what the filter will do;\n"
	       "penstock-filters(7) is the manual.\n",
	       name);
}

void out_filter_report(struct json_object *report)
{
	size_t n_lines = json_length(report, "does");
	struct json_object *row;
	const char *text;

	out_line("%s: %s", json_get_text(report, "file"), json_get_text(report, "summary"));
	/* The first line says what the summary says; each further line describes an option. */
	if (n_lines > 1)
		printf("\nwith these options it ");
	for (size_t i = 0; n_lines > 1 && i < n_lines; i++)
		out_line("%s%s", i ? "    " : "", json_text_at(report, "does", i));
	print_options(report);

	printf("\nprograms %s\n", json_length(report, "programs") ? "  instructions" : "    none");
	for (size_t i = 0; (row = json_at(report, "programs", i)); i++)
		print_program(json_get_text(row, "name"), json_get_number(row, "instructions"));

	printf("\nruns in\n");
	print_place(report, "the kernel", "kernel_why");
	print_place(report, "the process", "process_why");
	if (json_length(report, "flags"))
		printf("\ndeclares\n");
	for (size_t i = 0; (text = json_text_at(report, "flags", i)); i++)
		printf("    %-12s %s\n", text, flags_help(text));
}
