// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * penstock probe: says if views can be mounted and commands be run in them here, and lists which
 * features of this machine a view can use, which are missing, and how to get those.
 */
#include "cmd/cmd.h"
#include "ctl/json.h"
#include "run/try.h"
#include "util/cleanup.h"

#include <penstock/penstock.h>

#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOBODY 65534  /* stands for ordinary users if root asks */
#define TRIED  "/usr" /* commands run in a view of it, unless LOWER is given */

/* The features as the answer has them: {"fuse":{"on":true,"why":...},...}. */
static bool is_on(struct json_object *features, const char *name)
{
	struct json_object *feature;

	return json_object_object_get_ex(features, name, &feature) && json_get_bool(feature, "on");
}

static void add(struct json_object *features, const char *name, bool on, const char *why)
{
	struct json_object *feature = json_add_object(features, name);

	json_add_bool(feature, "on", on);
	json_add_text(feature, "why", why);
}

/* Adds a feature: does `penstock run` work for a user? */
static void add_run(struct json_object *features, const char *name, const char *lower, uid_t uid)
{
	_cleanup_(freep) char *path = realpath(lower ? lower : TRIED, NULL);
	struct pst_view_options view = PST_VIEW_OPTIONS_INIT;
	struct pst_error error;
	int r;

	view.lower = view.mountpoint = path ? path : TRIED;
	r = run_try(&view, uid, &error);
	add(features, name, r == 0, r < 0 ? error.text : "`penstock run` works: it was tried.");
}

/* Returns whether fusermount3 mounts for this process, as pst_view_mount() has it. */
static bool needs_helper(struct json_object *features)
{
	return geteuid() && !is_on(features, "cap_sys_admin");
}

/* Writes the features that mounting needs and that are off, "fuse, cap_sys_admin", or "". */
static void list_missing(struct json_object *features, char *missing, size_t size)
{
	static const char *const needed[] = { "fuse", "protocol", "cap_sys_admin", "cap_setuid",
					      "cap_setgid" };
	size_t len = 0;

	missing[0] = '\0';
	if (needs_helper(features)) {
		if (!is_on(features, "mount_as_user"))
			snprintf(missing, size, "mount_as_user");
		return;
	}
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]) && len < size; i++)
		if (!is_on(features, needed[i]))
			len += (size_t)snprintf(missing + len, size - len, "%s%s", len ? ", " : "",
						needed[i]);
}

/* Returns whether the kernel passes data through, of LOWER if it was probed. */
static bool passes_through(struct json_object *features)
{
	struct json_object *lower = NULL;

	json_object_object_get_ex(features, "lower_passthrough", &lower);
	return is_on(features, "passthrough") &&
	       (!lower || json_get_bool(lower, "on") ||
		strncmp(json_get_text(lower, "why"), "Not probed", 10) == 0);
}

/*
 * Writes one sentence: does it work here, for whom, with passthrough, with filters. Returns whether
 * something works.
 */
static bool summarize(struct json_object *features, char *summary, size_t size)
{
	bool runs = is_on(features, geteuid() ? "run_as_user" : "run_as_root");
	char user[32] = "root", missing[256];
	const char *can = "can mount views and run commands in them here";

	if (geteuid() != 0)
		snprintf(user, sizeof(user), "user %u", geteuid());
	list_missing(features, missing, sizeof(missing));
	if (*missing && !runs) {
		snprintf(summary, size,
			 "%s can neither mount views here nor run commands in them: %s %s missing.",
			 user, missing, strchr(missing, ',') ? "are" : "is");
		return false;
	}
	if (*missing)
		can = "can run commands in views here, but not mount views";
	else if (!runs)
		can = "can mount views here, but not run commands in them";
	snprintf(summary, size, "%s %s; %s, and filters run in the %s.", user, can,
		 passes_through(features) ? "reads and writes run in the kernel" :
					    "the process of the view serves data",
		 is_on(features, "bpf_filters") ? "kernel" : "process");
	return true;
}

/*
 * Moves the features to the answer; with only_off without those that are on, and without those of
 * root for an ordinary user, for whom the summary and other features say what works.
 */
static void add_features(struct json_object *answer, struct json_object *features, bool only_off)
{
	struct json_object *listed = json_add_object(answer, "features");
	bool ordinary = needs_helper(features);

	json_object_object_foreach(features, name, feature) {
		bool of_root = strncmp(name, "cap_", 4) == 0 || strcmp(name, "protocol") == 0;

		if (!only_off || !(json_get_bool(feature, "on") || (ordinary && of_root)))
			json_object_object_add(listed, name, json_object_get(feature));
	}
	json_object_put(features);
}

int cmd_probe(struct cmd_call *call)
{
	struct json_object *answer = json_object_new_object();
	struct json_object *features = json_object_new_object();
	const char *lower = call->words[0];
	struct pst_probe rows[64];
	char summary[512];
	bool works;
	size_t n;
	int r = pst_probe(lower, rows, sizeof(rows) / sizeof(rows[0]), &n);

	if (r < 0) {
		json_object_put(answer);
		json_object_put(features);
		cmd_error("%s: %s", lower ? lower : "cannot probe this machine", strerror(-r));
		return cmd_exit_code(r);
	}
	if (geteuid() == 0)
		add_run(features, "run_as_root", lower, 0);
	add_run(features, "run_as_user", lower, geteuid() ?: NOBODY);
	for (size_t i = 0; i < n; i++)
		add(features, rows[i].name, rows[i].on, rows[i].why);
	works = summarize(features, summary, sizeof(summary));
	json_add_number(answer, "version", 1);
	json_add_bool(answer, "works", works);
	json_add_text(answer, "summary", summary);
	if (!works)
		json_add_text(answer, "error", summary);
	add_features(answer, features, !call->json && !cmd_given(call, "all"));
	cmd_answer(call, answer);
	return works ? CMD_OK : CMD_FAILED;
}
