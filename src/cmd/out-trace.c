// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Prints lines of a trace for people: columns, then the path, and what was asked for, how long it
 * took, and the filter that decided or the event that a filter has reported. On a terminal a path
 * is shortened so that the line fits, and errors and events have colours. The only state: how wide
 * the terminal is, and if the heads were printed.
 */
#include "cmd/out.h"
#include "ctl/json.h"
#include "util/cleanup.h"
#include "util/utf8.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

/* Time, operation, result, user ID, process. */
#define HEAD_FORMAT "%-12s %-9s %-7s %4" PRIu64 " %-14s "

static void format_time(struct json_object *line, char *buf, size_t size)
{
	struct json_object *member = NULL;
	double seconds = 0;
	struct tm tm = { 0 };
	time_t whole;

	if (json_object_object_get_ex(line, "time", &member))
		seconds = json_object_get_double(member);
	/* Half a millisecond, so that a time is rounded, not cut off. */
	seconds += 0.0005;
	whole = (time_t)seconds;
	localtime_r(&whole, &tm);
	snprintf(buf, size, "%02d:%02d:%02d.%03u", tm.tm_hour, tm.tm_min, tm.tm_sec,
		 (unsigned int)((seconds - (double)whole) * 1000));
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

/* A text that grows at its end; what does not fit is left out. */
struct details {
	char text[1024];
	size_t n;
};

static __attribute__((format(printf, 2, 3))) void add(struct details *details, const char *format,
						      ...)
{
	size_t room = sizeof(details->text) - details->n;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(details->text + details->n, room, format, args);
	va_end(args);
	if (n > 0)
		details->n += (size_t)n < room ? (size_t)n : room - 1;
}

/* Adds "FILTER: WORD", and the numbers of the event, unless words say what they mean. */
static void add_event(struct details *details, struct json_object *line, struct json_object *event)
{
	struct json_object *value;

	uint64_t number[2] = { 0 };

	for (size_t i = 0; i < 2 && (value = json_at(event, "values", i)); i++)
		number[i] = json_object_get_uint64(value);
	add(details, " %s: %s", json_get_text(event, "filter"), json_get_text(event, "what"));
	if (!json_length(line, "flags") && (number[0] || number[1]))
		add(details, " %" PRIu64 " %" PRIu64, number[0], number[1]);
}

/* Writes what follows the path: "  write,truncate 12.3us FILTER: RESULT". */
static void format_details(struct json_object *line, struct details *details)
{
	const char *verdict = json_get_text(line, "verdict"), *word;
	uint64_t ns = json_get_number(line, "ns");
	struct json_object *event = NULL;

	for (size_t i = 0; (word = json_text_at(line, "flags", i)); i++)
		add(details, "%s%s", i ? "," : " ", word);
	if (ns)
		add(details, " %.1fus", (double)ns / 1000);
	if (json_object_object_get_ex(line, "event", &event))
		add_event(details, line, event);
	else if (*verdict)
		add(details, " %s", verdict);
}

/* Writes "NAME[PID]"; only the PID if the name is not known. */
static void format_process(struct json_object *line, char *buf, size_t size)
{
	const char *comm = json_get_text(line, "comm");

	if (*comm)
		snprintf(buf, size, "%s[%" PRIu64 "]", comm, json_get_number(line, "pid"));
	else
		snprintf(buf, size, "%" PRIu64, json_get_number(line, "pid"));
}

/* Returns the columns of the terminal, or 0 if the output is no terminal. */
static unsigned int columns_of_terminal(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO))
		return 0;
	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
}

/* Returns the end of the path that has at most n bytes: a path is recognized by its end. */
static const char *end_of_path(const char *path, size_t n)
{
	size_t len = strlen(path);
	const char *at = len > n ? path + len - n : path;

	/* Not in the middle of a UTF-8 character. */
	while ((*at & 0xc0) == 0x80)
		at++;
	return at;
}

#define LEAST_PATH 12 /* bytes of a path that are printed on the narrowest terminal */

static void print_line(struct json_object *line, const char *paths, unsigned int columns)
{
	bool colours = columns && !getenv("NO_COLOR");
	char at[32], result[32], process[64], head[256];
	struct details details = { .text = "" };
	const char *end = paths, *colour = "";
	size_t used, room;

	format_time(line, at, sizeof(at));
	format_result(line, result, sizeof(result));
	format_process(line, process, sizeof(process));
	format_details(line, &details);
	used = (size_t)snprintf(head, sizeof(head), HEAD_FORMAT, at, json_get_text(line, "op"),
				result, json_get_number(line, "uid"), process);
	used += details.n + 1;
	if (columns && used + strlen(paths) > columns) {
		room = columns > used + LEAST_PATH ? columns - used : LEAST_PATH;
		end = end_of_path(paths, room - 1);
	}
	if (json_get_number(line, "error"))
		colour = "\033[31m";
	else if (json_object_object_get_ex(line, "event", NULL))
		colour = "\033[36m";
	if (colours)
		fputs(colour, stdout);
	utf8_print(stdout, head);
	if (end > paths)
		fputs("\u2026", stdout);
	utf8_print(stdout, end);
	if (details.n)
		putchar(' ');
	utf8_print(stdout, details.text);
	puts(colours && *colour ? "\033[0m" : "");
}

void out_trace(struct json_object *line)
{
	const char *path = json_get_text(line, "path"), *path2 = json_get_text(line, "path2");
	uint64_t lost = json_get_number(line, "lost");
	_cleanup_(freep) char *paths = NULL;
	static unsigned int columns;
	static bool has_begun;

	if (!has_begun) {
		columns = columns_of_terminal();
		printf("%-12s %-9s %-7s %4s %-14s %s\n", "time", "operation", "result", "uid",
		       "program[pid]", "path");
	}
	has_begun = true;
	if (lost)
		printf("(%" PRIu64 " lines are lost here: they came faster than they were read)\n",
		       lost);
	if (asprintf(&paths, "%s%s%s", *path ? path : "-", *path2 ? " -> " : "", path2) < 0)
		paths = NULL;
	print_line(line, paths ? paths : "-", columns);
}
