// SPDX-License-Identifier: LGPL-2.1-or-later
/* Prints answers as JSON, and those of stat and probe for people. No state, no locks. */
#include "cmd/out.h"
#include "ctl/json.h"
#include "util/cleanup.h"
#include "util/utf8.h"

#include <penstock/penstock.h>

#include <inttypes.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

void out_json(struct json_object *object)
{
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN |
							    JSON_C_TO_STRING_NOSLASHESCAPE));
}

void out_line(const char *format, ...)
{
	_cleanup_(freep) char *text = NULL;
	va_list args;
	int r;

	va_start(args, format);
	r = vasprintf(&text, format, args);
	va_end(args);
	if (r < 0)
		text = NULL;
	utf8_print(stdout, text ? text : "out of memory");
	putchar('\n');
}

void out_probe(struct json_object *answer)
{
	struct json_object *features = NULL;

	out_line("%s", json_get_text(answer, "summary"));
	json_object_object_get_ex(answer, "features", &features);
	json_object_object_foreach(features, name, feature)
		out_line("%-20s %-4s %s", name, json_get_bool(feature, "on") ? "on" : "off",
			 json_get_text(feature, "why"));
}

/* Prints "filters      2: hide, audit". */
static void print_filters(struct json_object *reply)
{
	const char *where = json_get_text(reply, "filters_in");
	const char *why = json_get_text(reply, "filters_why");
	size_t n = json_length(reply, "filters");

	for (size_t i = 0; i < n; i++) {
		if (i == 0)
			printf("filters      %zu: ", n);
		printf("%s%s", json_text_at(reply, "filters", i), i + 1 < n ? ", " : "\n");
	}
	if (*where)
		out_line("run in       the %s%s%s", where, *why ? ": " : "", why);
}

static void print_ops(struct json_object *reply)
{
	struct json_object *ops = NULL;

	json_object_object_get_ex(reply, "ops", &ops);
	if (!ops || !json_object_object_length(ops))
		return;
	printf("\n%-20s %12s %12s\n", "operation", "requests", "errors");
	json_object_object_foreach(ops, name, op)
		printf("%-20s %12" PRIu64 " %12" PRIu64 "\n", name, json_get_number(op, "requests"),
		       json_get_number(op, "errors"));
}

static void print_second(struct json_object *reply)
{
	struct json_object *second = NULL;

	if (!*json_get_text(reply, "serve"))
		return;
	if (json_object_object_get_ex(reply, "second", &second))
		printf("process      %" PRIu64 ", %" PRIu64
		       " workers, serves files whose data filters see\n",
		       json_get_number(second, "pid"), json_get_number(second, "workers"));
	else
		printf("process      does not answer: if it has died, files whose data filters "
		       "see give errors\n");
}

void out_stat(struct json_object *reply)
{
	bool uring = strcmp(json_get_text(reply, "transport"), "uring") == 0;

	out_line("%s is shown at %s", json_get_text(reply, "lower"),
		 json_get_text(reply, "mountpoint"));
	if (strcmp(json_get_text(reply, "engine"), "kernel") == 0) {
		out_line("engine       kernel: the module penstock, interface %s%s",
			 json_get_text(reply, "interface"),
			 *json_get_text(reply, "serve") ? "" : "; no process");
		print_second(reply);
		out_line("options      locks=%s, xdev=%s", json_get_text(reply, "locks"),
			 json_get_text(reply, "xdev"));
		print_filters(reply);
		return;
	}
	out_line("engine       fuse");
	if (json_get_bool(reply, "passthrough"))
		out_line("passthrough  on: reads and writes run in the kernel");
	else
		out_line("passthrough  off: %s", json_get_text(reply, "passthrough_why"));
	out_line("transport    %s%s", uring ? "io_uring" : "/dev/fuse: ",
		 uring ? "" : json_get_text(reply, "transport_why"));
	out_line("process      %" PRIu64 " (%s), %" PRIu64 " workers",
		 json_get_number(reply, "pid"), json_get_text(reply, "program"),
		 json_get_number(reply, "workers"));
	printf("connection   %" PRIu64 ", FUSE %s\n", json_get_number(reply, "connection"),
	       json_get_text(reply, "kernel"));
	printf("known        %" PRIu64 " files to the kernel, in %" PRIu64 " KiB of memory\n",
	       json_get_number(reply, "nodes"),
	       (json_get_number(reply, "node_bytes") + 1023) / 1024);
	printf("open         %" PRIu64 " files in the view, %" PRIu64 " lower descriptors cached\n",
	       json_get_number(reply, "handles"), json_get_number(reply, "fds"));
	printf("passed       %" PRIu64 " files now, %" PRIu64 " since mount, %" PRIu64 " refused\n",
	       json_get_number(reply, "backings"), json_get_number(reply, "registered"),
	       json_get_number(reply, "refused"));
	print_filters(reply);
	print_ops(reply);
}
