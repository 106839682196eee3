// SPDX-License-Identifier: LGPL-2.1-or-later
/* Texts in JSON. All strings of the control protocol and of --json are made here: none is left out. */
#include "ctl/text.h"
#include "util/cleanup.h"
#include "util/utf8.h"

#include <json-c/json.h>
#include <string.h>

struct json_object *text_to_json(const char *text)
{
	_cleanup_(freep) char *escaped = utf8_escape(text);

	return escaped ? json_object_new_string(escaped) : NULL;
}

char *text_from_json(struct json_object *string)
{
	char *text;

	if (!json_object_is_type(string, json_type_string))
		return NULL;
	text = strdup(json_object_get_string(string));
	if (text)
		utf8_unescape(text);
	return text;
}
