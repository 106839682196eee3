// SPDX-License-Identifier: LGPL-2.1-or-later
/* Results for people. */
#include <inttypes.h>
#include <json-c/json.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <penstock/penstock.h>

#include "cmd/out.h"
#include "util/utf8.h"

static void probe(const struct pst_probe *rows, size_t n, const char *lacks)
{
	for (size_t i = 0; i < n; i++) {
		printf("%-20s %-4s ", rows[i].name, rows[i].on ? "on" : "off");
		utf8_print(stdout, rows[i].why);
		printf("\n");
	}
}

const char *out_member_text(struct json_object *object, const char *name)
{
	struct json_object *value;
	const char *text = NULL;

	if (json_object_object_get_ex(object, name, &value))
		text = json_object_get_string(value);
	return text ? text : "";
}

uint64_t out_member_number(struct json_object *object, const char *name)
{
	struct json_object *value;

	return json_object_object_get_ex(object, name, &value) ? json_object_get_uint64(value) : 0;
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

static void stat(struct json_object *reply)
{
	struct json_object *passthrough = NULL, *ops = NULL;

	json_object_object_get_ex(reply, "passthrough", &passthrough);
	utf8_print(stdout, out_member_text(reply, "lower"));
	printf(" is shown at ");
	utf8_print(stdout, out_member_text(reply, "mountpoint"));
	printf("\n");
	if (json_object_get_boolean(passthrough))
		printf("passthrough  on: reads and writes run in the kernel\n");
	else
		printf("passthrough  off: %s\n", out_member_text(reply, "passthrough_why"));
	if (strcmp(out_member_text(reply, "transport"), "uring") == 0)
		printf("transport    io_uring\n");
	else
		printf("transport    /dev/fuse: %s\n", out_member_text(reply, "transport_why"));
	printf("process      %" PRIu64 ", %" PRIu64 " workers\n", out_member_number(reply, "pid"),
	       out_member_number(reply, "workers"));
	printf("connection   %" PRIu64 ", FUSE %s\n", out_member_number(reply, "connection"),
	       out_member_text(reply, "kernel"));
	printf("nodes        %" PRIu64 " (%" PRIu64 " bytes)\n", out_member_number(reply, "nodes"),
	       out_member_number(reply, "node_bytes"));
	printf("open         %" PRIu64 " handles, %" PRIu64 " lower descriptors\n",
	       out_member_number(reply, "handles"), out_member_number(reply, "fds"));
	printf("backings     %" PRIu64 " now, %" PRIu64 " ever, %" PRIu64 " refused\n",
	       out_member_number(reply, "backings"), out_member_number(reply, "registered"), out_member_number(reply, "refused"));

	print_filters(reply);

	if (!json_object_object_get_ex(reply, "ops", &ops) || !json_object_object_length(ops))
		return;
	printf("\n%-20s %12s %12s\n", "operation", "requests", "errors");
	json_object_object_foreach(ops, name, op)
		printf("%-20s %12" PRIu64 " %12" PRIu64 "\n", name, out_member_number(op, "requests"),
		       out_member_number(op, "errors"));
}

const struct out out_text = {
	.probe = probe,
	.stat = stat,
	.filter_list = out_text_filter_list,
	.filter_change = out_text_filter_change,
	.filter_stat = out_text_filter_stat,
	.filter_report = out_text_filter_report,
	.trace = out_text_trace,
};
