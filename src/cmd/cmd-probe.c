// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * penstock probe: prints which features of this machine a view can use, which are missing, and how
 * to get those.
 */
#include "cmd/cmd.h"
#include "ctl/json.h"

#include <penstock/penstock.h>

#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Returns whether pst_view_mount() needs the feature. */
static bool is_needed(const char *name)
{
	static const char *const needed[] = { "fuse", "protocol", "cap_sys_admin", "cap_setuid",
					      "cap_setgid" };

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (strcmp(needed[i], name) == 0)
			return true;
	return false;
}

/* Writes an error that lists the needed features that are off; "" if a view can be mounted. */
static void list_missing(const struct pst_probe *rows, size_t n, char *error, size_t size)
{
	size_t len = 0;

	error[0] = '\0';
	for (size_t i = 0; i < n && len < size; i++)
		if (!rows[i].on && is_needed(rows[i].name))
			len += (size_t)snprintf(error + len, size - len, "%s%s",
						len ? ", " :
						      "no view can be mounted here; missing: ",
						rows[i].name);
}

/* {"version":1,"works":...,"error":...,"features":{"fuse":{"on":true,"why":...},...}} */
static struct json_object *to_json(const struct pst_probe *rows, size_t n, const char *error)
{
	struct json_object *answer = json_object_new_object(), *features;

	json_add_number(answer, "version", 1);
	json_add_bool(answer, "works", !*error);
	if (*error)
		json_add_text(answer, "error", error);
	features = json_add_object(answer, "features");
	for (size_t i = 0; i < n; i++) {
		struct json_object *feature = json_add_object(features, rows[i].name);

		json_add_bool(feature, "on", rows[i].on);
		json_add_text(feature, "why", rows[i].why);
	}
	return answer;
}

int cmd_probe(struct cmd_call *call)
{
	const char *lower = call->words[0];
	struct pst_probe rows[64];
	char error[256];
	size_t n;
	int r;

	r = pst_probe(lower, rows, sizeof(rows) / sizeof(rows[0]), &n);
	if (r < 0) {
		cmd_error("%s: %s", lower ? lower : "cannot probe this machine", strerror(-r));
		return cmd_exit_code(r);
	}
	list_missing(rows, n, error, sizeof(error));
	cmd_answer(call, to_json(rows, n, error));
	if (!*error)
		return CMD_OK;
	cmd_error("%s", error);
	return CMD_FAILED;
}
