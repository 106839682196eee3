/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Texts in JSON: names, paths, and what may have them in it. See util/utf8.h for their form. */

struct json_object;

/* A JSON string of any bytes; NULL: no memory. */
struct json_object *text_to_json(const char *text);

/* The bytes of a JSON string, for free(); NULL: it is no string, or no memory. */
char *text_from_json(struct json_object *string);
