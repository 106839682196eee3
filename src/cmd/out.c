// SPDX-License-Identifier: LGPL-2.1-or-later
/* Results for people. */
#include "cmd/out.h"
#include "ctl/json.h"
#include "util/utf8.h"

#include <penstock/penstock.h>

#include <inttypes.h>
#include <json-c/json.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

void out_json(struct json_object *object)
{
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN |
							    JSON_C_TO_STRING_NOSLASHESCAPE));
}

void out_probe(struct json_object *answer)
{
	struct json_object *features = NULL;

	json_object_object_get_ex(answer, "features", &features);
	json_object_object_foreach(features, name, feature) {
		printf("%-20s %-4s ", name, json_get_bool(feature, "on") ? "on" : "off");
		utf8_print(stdout, json_get_text(feature, "why"));
		printf("\n");
	}
}

/* "2: hide, audit" */
static void print_filters(struct json_object *reply)
{
	struct json_object *filters = NULL;
	size_t n;

	if (!json_object_object_get_ex(reply, "filters", &filters))
		return;
	n = json_object_array_length(filters);
	for (size_t i = 0; i < n; i++) {
		if (i == 0)
			printf("filters      %zu: ", n);
		printf("%s%s", i ? ", " : "",
		       json_object_get_string(json_object_array_get_idx(filters, i)));
	}
	if (n)
		printf("\n");
}

void out_stat(struct json_object *reply)
{
	struct json_object *passthrough = NULL, *ops = NULL;

	json_object_object_get_ex(reply, "passthrough", &passthrough);
	utf8_print(stdout, json_get_text(reply, "lower"));
	printf(" is shown at ");
	utf8_print(stdout, json_get_text(reply, "mountpoint"));
	printf("\n");
	if (json_object_get_boolean(passthrough))
		printf("passthrough  on: reads and writes run in the kernel\n");
	else
		printf("passthrough  off: %s\n", json_get_text(reply, "passthrough_why"));
	if (strcmp(json_get_text(reply, "transport"), "uring") == 0)
		printf("transport    io_uring\n");
	else
		printf("transport    /dev/fuse: %s\n", json_get_text(reply, "transport_why"));
	printf("process      %" PRIu64 ", %" PRIu64 " workers\n", json_get_number(reply, "pid"),
	       json_get_number(reply, "workers"));
	printf("connection   %" PRIu64 ", FUSE %s\n", json_get_number(reply, "connection"),
	       json_get_text(reply, "kernel"));
	printf("nodes        %" PRIu64 " (%" PRIu64 " bytes)\n", json_get_number(reply, "nodes"),
	       json_get_number(reply, "node_bytes"));
	printf("open         %" PRIu64 " handles, %" PRIu64 " lower descriptors\n",
	       json_get_number(reply, "handles"), json_get_number(reply, "fds"));
	printf("backings     %" PRIu64 " now, %" PRIu64 " ever, %" PRIu64 " refused\n",
	       json_get_number(reply, "backings"), json_get_number(reply, "registered"),
	       json_get_number(reply, "refused"));

	print_filters(reply);

	if (!json_object_object_get_ex(reply, "ops", &ops) || !json_object_object_length(ops))
		return;
	printf("\n%-20s %12s %12s\n", "operation", "requests", "errors");
	json_object_object_foreach(ops, name, op)
		printf("%-20s %12" PRIu64 " %12" PRIu64 "\n", name, json_get_number(op, "requests"),
		       json_get_number(op, "errors"));
}
