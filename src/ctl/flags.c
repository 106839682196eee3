// SPDX-License-Identifier: LGPL-2.1-or-later
/* Names of the flags that a filter declares (enum pst_filter_flag). */
#include "ctl/flags.h"
#include "ctl/json.h"

#include <penstock/filter.h>

#include <json-c/json.h>
#include <string.h>

static const struct {
	uint32_t flag;
	const char *name, *help;
} rows[] = {
	{ PST_BY_CALLER, "by-caller",
	  "its results depend on the caller, so the kernel caches nothing that it decides" },
	{ PST_CACHEABLE, "cacheable",
	  "its changes to data do not depend on the caller, so page cache and mmap work" },
	{ PST_DELAYS, "delays", "it may delay operations" },
	{ PST_WANT_ATTR, "want-attr", "it reads the attributes of the file" },
	{ PST_WANT_CHILD, "want-child",
	  "it reads the attributes of the file that a name refers to" },
	{ PST_WANT_CGROUP, "want-cgroup", "it reads the cgroup of the caller" },
	{ PST_EXACT, "exact", "operations that change the same file run one after the other" },
	{ PST_CELLS, "cells", "it stores a number for each file" },
	{ PST_ANNOUNCED, "announced", "the log says what it does when it is added" },
	{ PST_HIDES, "hides", "it decides about a name before the lower directory is accessed" },
	{ PST_JUDGES, "judges",
	  "its verdict on a name depends on the operation or the file's type" },
	{ PST_SERVES, "serves", "it may send operations to the program of the view" },
	{ PST_REPORTS, "reports",
	  "it only reports events, so it may not run while nobody reads them" },
	{ PST_CHOOSES, "chooses",
	  "it may not run for names that match no pattern of its options names and paths" },
	{ PST_SHOWS, "shows",
	  "it shows another owner, group or mode, which the view may keep while the file has the "
	  "same ones below" },
};

#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

struct json_object *flags_to_json(uint32_t flags)
{
	struct json_object *names = json_object_new_array();

	for (size_t i = 0; names && i < N_ROWS; i++) {
		if (flags & rows[i].flag)
			json_object_array_add(names, json_text(rows[i].name));
	}
	return names;
}

const char *flags_help(const char *name)
{
	for (size_t i = 0; i < N_ROWS; i++) {
		if (strcmp(rows[i].name, name) == 0)
			return rows[i].help;
	}
	return "";
}
