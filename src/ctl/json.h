/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Adds and gets members of JSON objects, for the control protocol and --json. A text may have any
 * bytes, as names of files do: it is escaped as util/utf8.h describes, so the JSON is always valid.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;

/* Returns a new JSON string, or NULL if out of memory. */
struct json_object *json_text(const char *text);

/* Add a member to an object. NULL as a text is added as "". */
void json_add_text(struct json_object *object, const char *name, const char *text);
void json_add_number(struct json_object *object, const char *name, uint64_t value);
void json_add_bool(struct json_object *object, const char *name, bool value);

/* Add an empty object or array, and return it, borrowed. */
struct json_object *json_add_object(struct json_object *object, const char *name);
struct json_object *json_add_array(struct json_object *object, const char *name);
struct json_object *json_append_object(struct json_object *array);

/* Return the value of a member, borrowed and still escaped; "", 0 or false if it is absent. */
const char *json_get_text(struct json_object *object, const char *name);
uint64_t json_get_number(struct json_object *object, const char *name);
bool json_get_bool(struct json_object *object, const char *name);

/* Returns the number of elements of a member that is an array; 0 if it is absent. */
size_t json_length(struct json_object *object, const char *name);
/* Return element i of a member that is an array, borrowed; NULL after the last one. */
struct json_object *json_at(struct json_object *object, const char *name, size_t i);
const char *json_text_at(struct json_object *object, const char *name, size_t i);

/*
 * Returns an unescaped copy of a member that is a string, which the caller frees. Returns NULL if
 * the member is not a string, or out of memory.
 */
char *json_copy_text(struct json_object *object, const char *name);
