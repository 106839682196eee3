/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Views of the kernel engine: the module penstock (kmod/) does all operations. */
#include <penstock/penstock.h>

/*
 * Mounts a view of the directory lower at target, with n filters (the SPECs of filter_load()) in
 * the order in which they run. No process stays behind. Returns 0, or -errno with *error set.
 */
int kernel_view_mount(const char *lower, const char *target, const char *const *specs,
		      unsigned int n, struct pst_error *error);
