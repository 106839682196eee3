// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Parses one request of a client, checks it against its verb's row in the table of verbs, and runs
 * the verb. Only the thread of the session that has received a request uses it, so no locks.
 */
#include "ctl/call.h"
#include "ctl/json.h"
#include "ctl/proto.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JSON_DEPTH 16

struct json_object *call_new_reply(void)
{
	struct json_object *reply = json_object_new_object();

	if (reply)
		json_add_number(reply, "version", CTL_VERSION);
	return reply;
}

void call_add_error(struct json_object *reply, int error, const char *text)
{
	json_add_text(reply, "error", text);
	json_add_number(reply, "errno", -error);
}

void call_refuse(struct ctl_call *call, int error, const char *text)
{
	call_add_error(call->reply, error, text);
	call->verb = NULL;
	call->take = NULL;
}

const char *call_error_text(const struct ctl_call *call, int error)
{
	return call->error.text[0] ? call->error.text : strerror(-error);
}

/*
 * Parses a line. Returns the object, which the caller frees by json_object_put(), or NULL if the
 * line is not one JSON object or memory is exhausted.
 */
static struct json_object *parse(const char *line, size_t len)
{
	struct json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH);
	struct json_object *object;
	size_t end;

	if (!tokener)
		return NULL;
	object = json_tokener_parse_ex(tokener, line, len);
	end = json_tokener_get_parse_end(tokener);
	json_tokener_free(tokener);

	while (end < len && (line[end] == ' ' || line[end] == '\t' || line[end] == '\r'))
		end++;
	if (end == len && json_object_is_type(object, json_type_object))
		return object;
	json_object_put(object);
	return NULL;
}

static void find_verb(struct ctl_call *call, const struct ctl_verb *verbs, size_t n_verbs)
{
	struct json_object *name;
	char text[128];

	if (!json_object_object_get_ex(call->request, "verb", &name) ||
	    !json_object_is_type(name, json_type_string)) {
		call_refuse(call, -EBADMSG,
			    "the request has no verb: its member \"verb\" must be the name of a "
			    "command");
		return;
	}
	for (size_t i = 0; i < n_verbs; i++)
		if (strcmp(verbs[i].name, json_object_get_string(name)) == 0)
			call->verb = &verbs[i];
	if (call->verb)
		return;
	snprintf(text, sizeof(text), "there is no verb \"%.64s\"", json_object_get_string(name));
	call_refuse(call, -EOPNOTSUPP, text);
}

/* Copies the members that the row of the verb names. */
static void find_members(struct ctl_call *call)
{
	char text[128];

	for (size_t i = 0; call->verb && i < CTL_N_MEMBERS && call->verb->members[i]; i++) {
		call->texts[i] = json_copy_text(call->request, call->verb->members[i]);
		if (call->texts[i])
			continue;
		snprintf(text, sizeof(text),
			 "the request has no \"%s\", or its value is not a text",
			 call->verb->members[i]);
		call_refuse(call, -EBADMSG, text);
	}
}

int call_init(struct ctl_call *call, const struct ctl_verb *verbs, size_t n_verbs, const char *line,
	      size_t len)
{
	char text[128];

	*call = (struct ctl_call){ .aux = call->aux,
				   .request = parse(line, len),
				   .reply = call_new_reply() };
	if (!call->reply)
		return -ENOMEM;
	if (!call->request) {
		call_refuse(call, -EBADMSG, "a request is one JSON object on one line");
	} else if (json_get_number(call->request, "version") != CTL_VERSION) {
		snprintf(text, sizeof(text),
			 "this view speaks only version %d of the control protocol", CTL_VERSION);
		call_refuse(call, -EPROTONOSUPPORT, text);
	} else {
		find_verb(call, verbs, n_verbs);
		find_members(call);
	}
	return 0;
}

void call_fini(struct ctl_call *call)
{
	json_object_put(call->request);
	json_object_put(call->reply);
	for (size_t i = 0; i < CTL_N_MEMBERS; i++)
		free(call->texts[i]);
}

void call_run(struct ctl_call *call)
{
	int r = call->verb->run(call);

	if (r < 0)
		call_refuse(call, r, call_error_text(call, r));
}
