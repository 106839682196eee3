// SPDX-License-Identifier: LGPL-2.1-or-later
/* Prints answers about filters for people. */
#include "cmd/out.h"
#include "ctl/flags.h"
#include "ctl/json.h"
#include "util/utf8.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static void print_words(const char *label, struct json_object *object, const char *member)
{
	struct json_object *words;
	size_t n;

	words = json_get_array(object, member, &n);
	if (!n)
		return;
	printf("    %-8s ", label);
	for (size_t i = 0; i < n; i++)
		printf("%s%s", i ? ", " : "", json_text_at(words, i));
	printf("\n");
}

/* Prints the files whose data the filter does not see until they are closed. */
static void print_bypassed(struct json_object *filter)
{
	uint64_t all = json_get_number(filter, "n_bypassed");
	struct json_object *paths;
	size_t n;

	if (!all)
		return;
	printf("    %" PRIu64
	       " file%s already open when %s was added: the kernel reads and writes\n"
	       "    %s directly until closed, and further opens fail with EBUSY until then.\n"
	       "    `fuser -v MOUNTPOINT/FILE` says who has it open.\n",
	       all, all == 1 ? " was" : "s were", json_get_text(filter, "name"),
	       all == 1 ? "it" : "them");
	paths = json_get_array(filter, "bypassed", &n);
	for (size_t i = 0; i < n; i++) {
		printf("        ");
		utf8_print(stdout, json_text_at(paths, i));
		printf("\n");
	}
	if (all > n && n)
		printf("        and %" PRIu64 " more\n", all - n);
}

static void print_text(const char *label, const char *text)
{
	printf("    %-8s ", label);
	utf8_print(stdout, text);
	printf("\n");
}

void out_filter_list(struct json_object *reply)
{
	struct json_object *filters;
	size_t n;

	filters = json_get_array(reply, "filters", &n);
	if (!n)
		printf("there are no filters\n");
	for (size_t i = 0; i < n; i++) {
		struct json_object *filter = json_object_array_get_idx(filters, i);
		const char *at = json_get_text(filter, "at");

		printf("%s%s: ", i ? "\n" : "", json_get_text(filter, "name"));
		utf8_print(stdout, json_get_text(filter, "summary"));
		printf("\n");
		print_text("spec", json_get_text(filter, "spec"));
		print_text("file", json_get_text(filter, "file"));
		if (*at)
			print_text("below", at);
		print_words("flags", filter, "flags");
		print_bypassed(filter);
	}
}

/* A change that holds prints nothing, but for open files that it does not reach yet. */
void out_filter_change(struct json_object *reply)
{
	struct json_object *filters;
	size_t n;

	filters = json_get_array(reply, "filters", &n);
	for (size_t i = 0; i < n; i++)
		print_bypassed(json_object_array_get_idx(filters, i));
}

static void print_mean(uint64_t ns, uint64_t n_runs)
{
	if (n_runs)
		printf(" %11.3f\n", (double)ns / (double)n_runs / 1000);
	else
		printf(" %11s\n", "-");
}

void out_filter_stat(struct json_object *reply)
{
	struct json_object *programs;
	int width = (int)strlen("filter");
	size_t n;

	programs = json_get_array(reply, "programs", &n);
	if (!n) {
		printf("there are no filters\n");
		return;
	}
	for (size_t i = 0; i < n; i++) {
		struct json_object *row = json_object_array_get_idx(programs, i);
		int length = (int)strlen(json_get_text(row, "filter"));

		width = length > width ? length : width;
	}
	printf("%-*s %-16s %12s %12s %12s %8s %11s\n", width, "filter", "program", "runs", "errors",
	       "answered", "bad", "mean [us]");
	for (size_t i = 0; i < n; i++) {
		struct json_object *row = json_object_array_get_idx(programs, i);
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
		printf("for each name that is looked at or listed\n");
	else if (strcmp(operation, "/any") == 0)
		printf("%s every operation but read and write\n", side);
	else if (strcmp(operation, "/changes") == 0)
		printf("%s every operation that changes something, but write\n", side);
	else
		printf("%s %s\n", side, operation + 1);
}

static void print_options(struct json_object *report)
{
	struct json_object *options;
	size_t n;

	options = json_get_array(report, "options", &n);
	printf("\noptions%s\n", n ? "" : "    none");
	for (size_t i = 0; i < n; i++) {
		struct json_object *row = json_object_array_get_idx(options, i);
		const char *value = json_get_text(row, "value");
		char name[256], safe[512];

		utf8_append_printable(name, sizeof(name), 0, json_get_text(row, "name"));
		utf8_append_printable(safe, sizeof(safe), 0, *value ? value : "\"\"");
		printf("    %-12s %-8s %-14s ", name, json_get_text(row, "type"), safe);
		utf8_print(stdout, json_get_text(row, "help"));
		printf("\n");
	}
}

/* The first line describes the filter, which its summary does; each other line a given option. */
static void print_does(struct json_object *report)
{
	struct json_object *lines;
	size_t n;

	lines = json_get_array(report, "does", &n);
	for (size_t i = 0; n > 1 && i < n; i++) {
		printf("%s", i ? "    " : "\nwith these options it ");
		utf8_print(stdout, json_text_at(lines, i));
		printf("\n");
	}
}

void out_filter_report(struct json_object *report)
{
	struct json_object *programs, *flags;
	size_t n;

	utf8_print(stdout, json_get_text(report, "file"));
	printf(": ");
	utf8_print(stdout, json_get_text(report, "summary"));
	printf("\n");
	print_does(report);
	print_options(report);

	programs = json_get_array(report, "programs", &n);
	printf("\nprograms %s\n", n ? "  instructions" : "    none");
	for (size_t i = 0; i < n; i++) {
		struct json_object *row = json_object_array_get_idx(programs, i);

		print_program(json_get_text(row, "name"), json_get_number(row, "instructions"));
	}

	flags = json_get_array(report, "flags", &n);
	if (n)
		printf("\ndeclares\n");
	for (size_t i = 0; i < n; i++)
		printf("    %-12s %s\n", json_text_at(flags, i),
		       flags_help(json_text_at(flags, i)));
}
