/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Changes of the filters of a mounted view of the kernel engine. */
#include <penstock/penstock.h>

/*
 * Adds the filter of a SPEC (name is NULL), removes the filter with a name (spec is NULL), or
 * replaces it. The view is at mountpoint and has the device number connection, see
 * mountinfo_connection(). When the function has returned, the change holds for all. Returns 0, or
 * -errno and *error; then nothing has changed.
 */
int kernel_filter_change(const char *mountpoint, unsigned int connection, const char *name,
			 const char *spec, struct pst_error *error);
