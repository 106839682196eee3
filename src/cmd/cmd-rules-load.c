// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * penstock rules load: puts a mounted view under other rules, all or none. No state, no locks.
 *
 * If the old and the new rules need the filter "rules" alone, one filter replaces the other in one
 * step. If they need several, the new ones are added, and then the old ones removed. In between
 * both are in force, so nothing is shown that one of them hides or masks. An error in the first
 * half takes back what was added.
 */
#include "cmd/ask.h"
#include "cmd/cmd.h"
#include "rules/filters.h"
#include "ctl/json.h"
#include "util/cleanup.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

/* A filter has one of two names, so that the old and the new one can be in the view together. */
#define SECOND "-2"

struct load {
	const char *mountpoint;
	struct rules_filters filters;  /* of the new rules */
	char old[RULES_FILTERS][32];   /* the names of filters of the old rules, or "" */
	char added[RULES_FILTERS][32]; /* the names of filters that were added, or "" */
	struct json_object *reply;     /* the last list of filters */
};

/* Returns whether the list of filters has one of this name. */
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

/* Sends a verb, and keeps the list of filters that is the reply. name and spec may be NULL. */
static int send(struct load *load, const char *verb, const char *name, const char *spec)
{
	struct json_object *arguments = json_object_new_object(), *reply = NULL;
	int code;

	if (name)
		json_add_text(arguments, "name", name);
	if (spec)
		json_add_text(arguments, "spec", spec);
	code = ask(load->mountpoint, verb, arguments, spec ? ASK_CHANGE_MS : ASK_MS, &reply, NULL);
	json_object_put(arguments);
	if (code == CMD_OK) {
		json_object_put(load->reply);
		load->reply = reply;
	}
	return code;
}

static void find_old(struct load *load)
{
	for (size_t i = 0; i < RULES_FILTERS; i++) {
		snprintf(load->old[i], sizeof(load->old[i]), "%s", load->filters.row[i].name);
		if (has_filter(load->reply, load->old[i]))
			continue;
		snprintf(load->old[i], sizeof(load->old[i]), "%s" SECOND,
			 load->filters.row[i].name);
		if (!has_filter(load->reply, load->old[i]))
			load->old[i][0] = '\0';
	}
}

/* Sends a verb with the spec of filter i, which gets this name. */
static int send_spec(struct load *load, const char *verb, size_t i, const char *old,
		     const char *name)
{
	_cleanup_(freep) char *spec = NULL;

	if (asprintf(&spec, "%s,name=%s", load->filters.row[i].spec, name) < 0) {
		cmd_error("out of memory");
		return CMD_SYSTEM;
	}
	return send(load, verb, old, spec);
}

/* Returns whether the filter "rules" is all that the old and the new rules need. */
static bool is_single(const struct load *load)
{
	for (size_t i = 0; i < RULES_FILTERS; i++)
		if (!load->filters.row[i].spec != (i > 0) || !*load->old[i] != (i > 0))
			return false;
	return true;
}

static int add_new(struct load *load)
{
	int code = CMD_OK;

	for (size_t i = 0; i < RULES_FILTERS && code == CMD_OK; i++) {
		const char *name = load->filters.row[i].name;
		char other[32];

		if (!load->filters.row[i].spec)
			continue;
		snprintf(other, sizeof(other), "%s%s", name,
			 strcmp(load->old[i], name) == 0 ? SECOND : "");
		code = send_spec(load, "filter-add", i, NULL, other);
		if (code == CMD_OK)
			snprintf(load->added[i], sizeof(load->added[i]), "%s", other);
	}
	return code;
}

/* Removes the filters with these names. Returns the exit code of the first that fails. */
static int remove_all(struct load *load, char names[RULES_FILTERS][32])
{
	int code = CMD_OK, r;

	for (size_t i = 0; i < RULES_FILTERS; i++) {
		if (!*names[i])
			continue;
		r = send(load, "filter-remove", names[i], NULL);
		if (code == CMD_OK)
			code = r;
	}
	return code;
}

static int change(struct load *load)
{
	int code = send(load, "filter-list", NULL, NULL);

	if (code != CMD_OK)
		return code;
	find_old(load);
	if (is_single(load))
		return send_spec(load, "filter-replace", 0, load->old[0], load->old[0]);
	code = add_new(load);
	if (code != CMD_OK) {
		remove_all(load, load->added);
		return code;
	}
	code = remove_all(load, load->old);
	if (code != CMD_OK)
		cmd_error("%s: the new rules are in force, but old ones, too: `penstock filter "
			  "list` shows both, `penstock filter remove` removes them",
			  load->mountpoint);
	return code;
}

int cmd_rules_load(struct cmd_call *call)
{
	struct load load = { .mountpoint = call->words[0] };
	struct pst_error error;
	int code;

	if (rules_filters_make(call->words[1], &load.filters, &error) < 0) {
		cmd_error("%s", error.text);
		return CMD_FAILED;
	}
	cmd_warn_rules(call->words[1]);
	code = change(&load);
	rules_filters_fini(&load.filters);
	if (code == CMD_OK)
		cmd_answer(call, load.reply);
	else
		json_object_put(load.reply);
	return code;
}
