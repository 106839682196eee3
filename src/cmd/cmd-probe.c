// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * penstock probe: says if views can be mounted here, and lists which features of this machine a
 * view can use, which are missing, and how to get those.
 */
#include "cmd/cmd.h"
#include "ctl/json.h"

#include <penstock/penstock.h>

#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

/* Writes the needed features that are off, "fuse, cap_sys_admin"; "" if a view can be mounted. */
static void list_missing(const struct pst_probe *rows, size_t n, char *missing, size_t size)
{
	size_t len = 0;

	missing[0] = '\0';
	for (size_t i = 0; i < n && len < size; i++)
		if (!rows[i].on && is_needed(rows[i].name))
			len += (size_t)snprintf(missing + len, size - len, "%s%s", len ? ", " : "",
						rows[i].name);
}

static const struct pst_probe *find(const struct pst_probe *rows, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

static bool is_on(const struct pst_probe *rows, size_t n, const char *name)
{
	const struct pst_probe *row = find(rows, n, name);

	return row && row->on;
}

/* Returns whether the kernel passes data through, of LOWER if it was probed. */
static bool passes_through(const struct pst_probe *rows, size_t n)
{
	const struct pst_probe *lower = find(rows, n, "lower_passthrough");

	return is_on(rows, n, "passthrough") &&
	       (!lower || lower->on || strncmp(lower->why, "Not probed", 10) == 0);
}

/* Writes one sentence: does it work here, for whom, with passthrough, with filters. */
static void summarize(const struct pst_probe *rows, size_t n, const char *missing, char *summary,
		      size_t size)
{
	char user[32] = "root";

	if (geteuid() != 0)
		snprintf(user, sizeof(user), "user %u", geteuid());
	if (*missing)
		snprintf(summary, size, "%s cannot mount views here: %s %s missing.", user, missing,
			 strchr(missing, ',') ? "are" : "is");
	else
		snprintf(summary, size, "%s can mount views here; %s, and filters run in the %s.",
			 user,
			 passes_through(rows, n) ? "reads and writes run in the kernel" :
						   "the process of the view serves data",
			 is_on(rows, n, "bpf_filters") ? "kernel" : "process");
}

/*
 * {"version":1,"works":...,"summary":...,"error":...,
 *  "features":{"fuse":{"on":true,"why":...},...}}; with only_off without the features that are on.
 */
static struct json_object *to_json(const struct pst_probe *rows, size_t n, bool only_off)
{
	struct json_object *answer = json_object_new_object(), *features;
	char missing[256], summary[512];

	list_missing(rows, n, missing, sizeof(missing));
	summarize(rows, n, missing, summary, sizeof(summary));
	json_add_number(answer, "version", 1);
	json_add_bool(answer, "works", !*missing);
	json_add_text(answer, "summary", summary);
	if (*missing)
		json_add_text(answer, "error", summary);
	features = json_add_object(answer, "features");
	for (size_t i = 0; i < n; i++) {
		struct json_object *feature;

		if (only_off && rows[i].on)
			continue;
		feature = json_add_object(features, rows[i].name);
		json_add_bool(feature, "on", rows[i].on);
		json_add_text(feature, "why", rows[i].why);
	}
	return answer;
}

int cmd_probe(struct cmd_call *call)
{
	const char *lower = call->words[0];
	struct json_object *answer;
	struct pst_probe rows[64];
	bool works;
	size_t n;
	int r;

	r = pst_probe(lower, rows, sizeof(rows) / sizeof(rows[0]), &n);
	if (r < 0) {
		cmd_error("%s: %s", lower ? lower : "cannot probe this machine", strerror(-r));
		return cmd_exit_code(r);
	}
	answer = to_json(rows, n, !call->json && !cmd_given(call, "all"));
	works = json_get_bool(answer, "works");
	cmd_answer(call, answer);
	return works ? CMD_OK : CMD_FAILED;
}
