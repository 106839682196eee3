// SPDX-License-Identifier: LGPL-2.1-or-later
/* Adds and gets members of JSON objects. No state, no locks. */
#include "ctl/json.h"
#include "util/cleanup.h"
#include "util/utf8.h"

#include <json-c/json.h>
#include <string.h>

struct json_object *json_text(const char *text)
{
	_cleanup_(freep) char *escaped = utf8_escape(text);

	return escaped ? json_object_new_string(escaped) : NULL;
}

void json_add_text(struct json_object *object, const char *name, const char *text)
{
	json_object_object_add(object, name, json_text(text ? text : ""));
}

void json_add_number(struct json_object *object, const char *name, uint64_t value)
{
	json_object_object_add(object, name, json_object_new_uint64(value));
}

void json_add_bool(struct json_object *object, const char *name, bool value)
{
	json_object_object_add(object, name, json_object_new_boolean(value));
}

struct json_object *json_add_object(struct json_object *object, const char *name)
{
	struct json_object *added = json_object_new_object();

	json_object_object_add(object, name, added);
	return added;
}

struct json_object *json_add_array(struct json_object *object, const char *name)
{
	struct json_object *added = json_object_new_array();

	json_object_object_add(object, name, added);
	return added;
}

struct json_object *json_append_object(struct json_object *array)
{
	struct json_object *added = json_object_new_object();

	json_object_array_add(array, added);
	return added;
}

static struct json_object *member(struct json_object *object, const char *name)
{
	struct json_object *value = NULL;

	json_object_object_get_ex(object, name, &value);
	return value;
}

const char *json_get_text(struct json_object *object, const char *name)
{
	const char *text = json_object_get_string(member(object, name));

	return text ? text : "";
}

uint64_t json_get_number(struct json_object *object, const char *name)
{
	return json_object_get_uint64(member(object, name));
}

bool json_get_bool(struct json_object *object, const char *name)
{
	return json_object_get_boolean(member(object, name));
}

size_t json_length(struct json_object *object, const char *name)
{
	struct json_object *array = member(object, name);

	return json_object_is_type(array, json_type_array) ? json_object_array_length(array) : 0;
}

struct json_object *json_at(struct json_object *object, const char *name, size_t i)
{
	return i < json_length(object, name) ? json_object_array_get_idx(member(object, name), i) :
					       NULL;
}

const char *json_text_at(struct json_object *object, const char *name, size_t i)
{
	return json_object_get_string(json_at(object, name, i));
}

char *json_copy_text(struct json_object *object, const char *name)
{
	struct json_object *string = member(object, name);
	char *text;

	if (!json_object_is_type(string, json_type_string))
		return NULL;
	text = strdup(json_object_get_string(string));
	if (text)
		utf8_unescape(text);
	return text;
}
