// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Prints lines of a trace for people, in columns; the last is the filter that decided, or the event
 * that a filter has reported.
 */
#include "cmd/out.h"
#include "ctl/json.h"
#include "util/utf8.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define PATH_COLUMNS   40
#define PATH_MAX_BYTES 8192

static void print_time(struct json_object *line)
{
	struct json_object *member = NULL;
	double seconds = 0;
	struct tm tm = { 0 };
	char text[16];
	time_t whole;

	if (json_object_object_get_ex(line, "time", &member))
		seconds = json_object_get_double(member);
	seconds += 0.0000005;
	whole = (time_t)seconds;
	localtime_r(&whole, &tm);
	strftime(text, sizeof(text), "%H:%M:%S", &tm);
	printf("%s.%06u ", text, (unsigned int)((seconds - (double)whole) * 1000000));
}

static void print_path(struct json_object *line)
{
	const char *path2 = json_get_text(line, "path2");
	char text[PATH_MAX_BYTES];
	size_t n;

	n = utf8_append_printable(text, sizeof(text), 0, json_get_text(line, "path"));
	if (*path2) {
		n = utf8_append_printable(text, sizeof(text), n, " -> ");
		utf8_append_printable(text, sizeof(text), n, path2);
	}
	printf("%-*s ", PATH_COLUMNS, *text ? text : "-");
}

static void print_result(struct json_object *line)
{
	bool known = json_object_object_get_ex(line, "error", NULL);
	int error = (int)json_get_number(line, "error");
	const char *name = error ? strerrorname_np(error) : known ? "ok" : "-";
	uint64_t ns = json_get_number(line, "ns");

	if (name)
		printf("%-12s ", name);
	else
		printf("%-12d ", error);
	if (ns)
		printf("%10.1f", (double)ns / 1000);
	else
		printf("%10s", "-");
}

static void print_event(struct json_object *event)
{
	struct json_object *values = NULL;
	char what[256];

	utf8_append_printable(what, sizeof(what), 0, json_get_text(event, "what"));
	printf("  %s: %s", json_get_text(event, "filter"), what);
	if (!json_object_object_get_ex(event, "values", &values) ||
	    !json_object_is_type(values, json_type_array))
		return;
	for (size_t i = 0; i < json_object_array_length(values); i++)
		printf(" %" PRIu64, json_object_get_uint64(json_object_array_get_idx(values, i)));
}

void out_trace(struct json_object *line)
{
	static bool has_head;
	struct json_object *event = NULL;
	uint64_t lost = json_get_number(line, "lost");
	const char *verdict = json_get_text(line, "verdict");

	if (!has_head)
		printf("%-15s %-11s %-*s %6s %8s %-12s %10s  %s\n", "time", "operation",
		       PATH_COLUMNS, "path", "uid", "pid", "result", "us", "filter");
	has_head = true;
	if (lost)
		printf("(%" PRIu64 " lines are lost here: they came faster than they were read)\n",
		       lost);

	print_time(line);
	printf("%-11s ", json_get_text(line, "op"));
	print_path(line);
	printf("%6" PRIu64 " %8" PRIu64 " ", json_get_number(line, "uid"),
	       json_get_number(line, "pid"));
	print_result(line);
	if (json_object_object_get_ex(line, "event", &event))
		print_event(event);
	else if (*verdict)
		printf("  %s", verdict);
	printf("\n");
}
