// SPDX-License-Identifier: LGPL-2.1-or-later
/* penstock rules: checks, explains and loads files of rules. */
#include "cmd/ask.h"
#include "cmd/cmd.h"
#include "cmd/rules-filters.h"
#include "ctl/json.h"
#include "util/cleanup.h"

#include <errno.h>
#include <json-c/json.h>
#include <string.h>

/* -- load -------------------------------------------------------------------------------------- */

/* Returns whether the reply of filter-list has a filter of this name. */
static bool has_filter(struct json_object *reply, const char *name)
{
	struct json_object *filters = json_object_object_get(reply, "filters");

	for (size_t i = 0; i < json_object_array_length(filters); i++) {
		struct json_object *filter = json_object_array_get_idx(filters, i);
		const char *its_name =
			json_object_get_string(json_object_object_get(filter, "name"));

		if (its_name && strcmp(its_name, name) == 0)
			return true;
	}
	return false;
}

/* Adds, replaces or removes one filter. *reply is the list of filters, before and after. */
static int change(const char *mountpoint, const struct rules_filter *filter,
		  struct json_object **reply)
{
	struct json_object *arguments, *changed = NULL;
	bool had = has_filter(*reply, filter->name);
	const char *verb = had ? filter->spec ? "filter-replace" : "filter-remove" : "filter-add";
	int code;

	if (!had && !filter->spec)
		return CMD_OK;
	arguments = json_object_new_object();
	if (had)
		json_add_text(arguments, "name", filter->name);
	if (filter->spec)
		json_add_text(arguments, "spec", filter->spec);
	code = ask(mountpoint, verb, arguments, ASK_CHANGE_MS, &changed, NULL);
	json_object_put(arguments);
	if (code == CMD_OK) {
		json_object_put(*reply);
		*reply = changed;
	}
	return code;
}

int cmd_rules_load(struct cmd_call *call)
{
	_cleanup_(rules_filters_fini) struct rules_filters filters = { 0 };
	const char *mountpoint = call->words[0];
	struct json_object *reply = NULL;
	struct pst_error error;
	int code;

	if (rules_filters_make(call->words[1], &filters, &error) < 0) {
		cmd_error("%s", error.text);
		return CMD_FAILED;
	}
	code = ask(mountpoint, "filter-list", NULL, ASK_MS, &reply, NULL);
	for (size_t i = 0; i < RULES_FILTERS && code == CMD_OK; i++)
		code = change(mountpoint, &filters.row[i], &reply);
	if (code == CMD_OK)
		cmd_answer(call, reply);
	else
		json_object_put(reply);
	return code;
}
