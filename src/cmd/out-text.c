// SPDX-License-Identifier: LGPL-2.1-or-later
/* Results for people. */
#include <inttypes.h>
#include <json-c/json.h>
#include <stdint.h>
#include <stdio.h>

#include <penstock/penstock.h>

#include "cmd/out.h"

static void probe(const struct pst_probe *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		printf("%-20s %-4s %s\n", rows[i].name, rows[i].on ? "on" : "off", rows[i].why);
}

static const char *string(struct json_object *object, const char *name)
{
	struct json_object *value;

	return json_object_object_get_ex(object, name, &value) ? json_object_get_string(value) : "";
}

static uint64_t number(struct json_object *object, const char *name)
{
	struct json_object *value;

	return json_object_object_get_ex(object, name, &value) ? json_object_get_uint64(value) : 0;
}

static void stat(struct json_object *reply)
{
	struct json_object *passthrough = NULL, *ops = NULL;

	json_object_object_get_ex(reply, "passthrough", &passthrough);
	printf("%s is shown at %s\n", string(reply, "lower"), string(reply, "mountpoint"));
	if (json_object_get_boolean(passthrough))
		printf("passthrough  on: reads and writes run in the kernel\n");
	else
		printf("passthrough  off: %s\n", string(reply, "passthrough_why"));
	printf("process      %" PRIu64 ", %" PRIu64 " workers\n", number(reply, "pid"),
	       number(reply, "workers"));
	printf("connection   %" PRIu64 ", by %s, FUSE %s\n", number(reply, "connection"),
	       string(reply, "transport"), string(reply, "kernel"));
	printf("nodes        %" PRIu64 " (%" PRIu64 " bytes)\n", number(reply, "nodes"),
	       number(reply, "node_bytes"));
	printf("open         %" PRIu64 " handles, %" PRIu64 " lower descriptors\n",
	       number(reply, "handles"), number(reply, "fds"));
	printf("backings     %" PRIu64 " now, %" PRIu64 " ever, %" PRIu64 " refused\n",
	       number(reply, "backings"), number(reply, "registered"), number(reply, "refused"));

	if (!json_object_object_get_ex(reply, "ops", &ops) || !json_object_object_length(ops))
		return;
	printf("\n%-20s %12s %12s\n", "operation", "requests", "errors");
	json_object_object_foreach(ops, name, op)
		printf("%-20s %12" PRIu64 " %12" PRIu64 "\n", name, number(op, "requests"),
		       number(op, "errors"));
}

const struct out out_text = {
	.probe = probe,
	.stat = stat,
};
