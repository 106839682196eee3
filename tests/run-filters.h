/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The place where a test runs filters: $RUN_FILTERS, "kernel" or "process". */
#include <penstock/penstock.h>
#include <stdlib.h>
#include <string.h>

static inline enum pst_run_filters test_run_filters(void)
{
	const char *where = getenv("RUN_FILTERS");

	return where && strcmp(where, "process") == 0 ? PST_RUN_FILTERS_PROCESS :
							PST_RUN_FILTERS_KERNEL;
}
