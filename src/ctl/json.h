/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Members of JSON objects: what the control protocol and --json are built of and read by. A text
 * may hold any bytes; it is written in the form of util/utf8.h, so that no name makes the JSON
 * invalid.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;

/* A new JSON string; NULL: no memory. */
struct json_object *json_text(const char *text);

/* These add a member to an object. A text may be NULL: "". */
void json_add_text(struct json_object *object, const char *name, const char *text);
void json_add_number(struct json_object *object, const char *name, uint64_t value);
void json_add_bool(struct json_object *object, const char *name, bool value);

/*
 * These add an empty object or array and return it; it belongs to the object that it was added to.
 */
struct json_object *json_add_object(struct json_object *object, const char *name);
struct json_object *json_add_array(struct json_object *object, const char *name);
struct json_object *json_append_object(struct json_object *array);

/* A member as it is written in the JSON, borrowed; "", 0 or false where there is none. */
const char *json_get_text(struct json_object *object, const char *name);
uint64_t json_get_number(struct json_object *object, const char *name);
bool json_get_bool(struct json_object *object, const char *name);

/* An array, borrowed, and its length; NULL and 0 where there is none. */
struct json_object *json_get_array(struct json_object *object, const char *name, size_t *ret_n);
const char *json_text_at(struct json_object *array, size_t i);

/* The bytes of a member that is a string, for free(); NULL: it is none, or no memory. */
char *json_copy_text(struct json_object *object, const char *name);
