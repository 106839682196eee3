/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "filter/port.h"

/* Returns whether a name is one valid component of a path; dots permits "." and "..". */
static inline bool filter_name_ok(const char *name, bool dots)
{
	return name[0] && !strchr(name, '/') && (dots || !name_is_dots(name));
}
