// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Prints lines of a trace for people, in columns. The last column has the filter that decided, or
 * the event that a filter has reported. The only state: whether the heads were printed.
 */
#include "cmd/out.h"
#include "ctl/json.h"
#include "util/cleanup.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static void format_time(struct json_object *line, char *buf, size_t size)
{
	struct json_object *member = NULL;
	double seconds = 0;
	struct tm tm = { 0 };
	time_t whole;

	if (json_object_object_get_ex(line, "time", &member))
		seconds = json_object_get_double(member);
	/* Half a microsecond, so that a time is rounded, not cut off. */
	seconds += 0.0000005;
	whole = (time_t)seconds;
	localtime_r(&whole, &tm);
	snprintf(buf, size, "%02d:%02d:%02d.%06u", tm.tm_hour, tm.tm_min, tm.tm_sec,
		 (unsigned int)((seconds - (double)whole) * 1000000));
}

/* Writes "ok", the name or number of an error, or "-" for an event before the operation. */
static void format_result(struct json_object *line, char *buf, size_t size)
{
	int error = (int)json_get_number(line, "error");
	const char *name = error ? strerrorname_np(error) : "ok";

	if (!json_object_object_get_ex(line, "error", NULL))
		name = "-";
	if (name)
		snprintf(buf, size, "%s", name);
	else
		snprintf(buf, size, "%d", error);
}

/* Writes "  FILTER: WORD NUMBER NUMBER" of an event, else "  FILTER: RESULT" or "". */
static void format_filter(struct json_object *line, char *buf, size_t size)
{
	const char *verdict = json_get_text(line, "verdict");
	struct json_object *event = NULL, *value;
	size_t n;

	if (!json_object_object_get_ex(line, "event", &event)) {
		snprintf(buf, size, "%s%s", *verdict ? "  " : "", verdict);
		return;
	}
	n = (size_t)snprintf(buf, size, "  %s: %s", json_get_text(event, "filter"),
			     json_get_text(event, "what"));
	for (size_t i = 0; n < size && (value = json_at(event, "values", i)); i++)
		n += (size_t)snprintf(buf + n, size - n, " %" PRIu64,
				      json_object_get_uint64(value));
}

void out_trace(struct json_object *line)
{
	static bool has_head;
	const char *path = json_get_text(line, "path"), *path2 = json_get_text(line, "path2");
	uint64_t lost = json_get_number(line, "lost"), ns = json_get_number(line, "ns");
	_cleanup_(freep) char *paths = NULL;
	char at[32], result[32], us[32] = "-", filter[512];

	if (!has_head)
		printf("%-15s %-11s %-40s %6s %8s %-12s %10s  %s\n", "time", "operation", "path",
		       "uid", "pid", "result", "us", "filter");
	has_head = true;
	if (lost)
		printf("(%" PRIu64 " lines are lost here: they came faster than they were read)\n",
		       lost);

	format_time(line, at, sizeof(at));
	format_result(line, result, sizeof(result));
	format_filter(line, filter, sizeof(filter));
	if (ns)
		snprintf(us, sizeof(us), "%.1f", (double)ns / 1000);
	if (asprintf(&paths, "%s%s%s", *path ? path : "-", *path2 ? " -> " : "", path2) < 0)
		paths = NULL;
	out_line("%s %-11s %-40s %6" PRIu64 " %8" PRIu64 " %-12s %10s%s", at,
		 json_get_text(line, "op"), paths ? paths : "-", json_get_number(line, "uid"),
		 json_get_number(line, "pid"), result, us, filter);
}
