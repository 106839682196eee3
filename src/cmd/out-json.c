// SPDX-License-Identifier: LGPL-2.1-or-later
/* Results as JSON: one object, on one line. What comes as an object is printed as it is. */
#include <json-c/json.h>
#include <stdio.h>

#include <penstock/penstock.h>

#include "cmd/out.h"
#include "ctl/text.h"

static void print(struct json_object *object)
{
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN |
							    JSON_C_TO_STRING_NOSLASHESCAPE));
}

static void probe(const struct pst_probe *rows, size_t n, const char *lacks)
{
	struct json_object *object = json_object_new_object();
	struct json_object *features = json_object_new_object();

	json_object_object_add(object, "version", json_object_new_int(1));
	/* Whether a view can be mounted; if not: why. */
	json_object_object_add(object, "works", json_object_new_boolean(!*lacks));
	if (*lacks)
		json_object_object_add(object, "error", text_to_json(lacks));
	json_object_object_add(object, "features", features);
	for (size_t i = 0; i < n; i++) {
		struct json_object *row = json_object_new_object();

		json_object_object_add(row, "on", json_object_new_boolean(rows[i].on));
		json_object_object_add(row, "why", text_to_json(rows[i].why));
		json_object_object_add(features, rows[i].name, row);
	}
	print(object);
	json_object_put(object);
}

void out_json_error(const char *text, int code)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "version", json_object_new_int(1));
	json_object_object_add(object, "error", text_to_json(text));
	json_object_object_add(object, "exit", json_object_new_int(code));
	print(object);
	json_object_put(object);
}

const struct out out_json = {
	.probe = probe,
	.stat = print,
	.filter_list = print,
	.filter_change = print,
	.filter_stat = print,
	.filter_report = print,
	.trace = print,
};
