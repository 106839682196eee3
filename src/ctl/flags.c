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
	  "what it does depends on who asks: the kernel keeps nothing of what it was told" },
	{ PST_CACHEABLE, "cacheable",
	  "what it does to data does not depend on who asks: page cache and mmap work" },
	{ PST_DELAYS, "delays", "it may let operations wait" },
	{ PST_WANT_ATTR, "want-attr", "it looks at the attributes of the file" },
	{ PST_WANT_CHILD, "want-child", "it looks at the attributes of the file under a name" },
	{ PST_WANT_CGROUP, "want-cgroup", "it looks at the cgroup of the caller" },
	{ PST_EXACT, "exact", "changes of one file run one at a time" },
	{ PST_CELLS, "cells", "it keeps a number for each file" },
	{ PST_HIDES, "hides", "it is asked about a name before anything is looked at below" },
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
