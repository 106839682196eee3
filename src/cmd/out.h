/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* How results are printed: for people, or as JSON for programs. */
#include <stddef.h>
#include <stdint.h>

struct json_object;
struct pst_probe;

/* What comes as a JSON object is the reply to the verb of that name, or looks as one would. */
struct out {
	/* lacks: why a view cannot be mounted; "": it can. */
	void (*probe)(const struct pst_probe *rows, size_t n, const char *lacks);
	void (*stat)(struct json_object *reply);
	void (*filter_list)(struct json_object *reply);
	void (*filter_change)(struct json_object *reply);	/* of filter-add and its kind */
	void (*filter_stat)(struct json_object *reply);
	void (*filter_report)(struct json_object *report);	/* of `filter check` */
	void (*trace)(struct json_object *line);
};

extern const struct out out_text;
extern const struct out out_json;

/* The JSON of a subcommand that has failed. */
void out_json_error(const char *text, int code);

/* The parts of out_text that are about filters. */
void out_text_filter_list(struct json_object *reply);
void out_text_filter_change(struct json_object *reply);
void out_text_filter_stat(struct json_object *reply);
void out_text_filter_report(struct json_object *report);
void out_text_trace(struct json_object *line);

/* Members of an object: "" or 0 where there is none. The text is borrowed. */
const char *out_member_text(struct json_object *object, const char *name);
uint64_t out_member_number(struct json_object *object, const char *name);
