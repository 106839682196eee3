/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Prints answers of commands. An answer is a JSON object: the reply of a view to a verb, or an
 * object that the command has made. The text for people is printed from it.
 */

struct json_object;

/* Prints any answer as JSON on one line. */
void out_json(struct json_object *object);

/* Prints one line. Names in it may have any bytes: control characters are printed as escapes. */
void out_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Print the answer of a command for people. */
void out_probe(struct json_object *answer);
void out_stat(struct json_object *reply);
void out_filter_list(struct json_object *reply);
void out_filter_change(struct json_object *reply); /* of filter-add, -remove and -replace */
void out_filter_stat(struct json_object *reply);
void out_filter_report(struct json_object *report);                 /* of `filter check` */
void out_filter_help(struct json_object *report, const char *name); /* of `help` */
void out_trace(struct json_object *line);
void out_rules_check(struct json_object *answer);
void out_rules_explain(struct json_object *answer);
