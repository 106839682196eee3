/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Checks the paths LOWER and MOUNTPOINT, and words the errors about them. */
#include <penstock/penstock.h>

/*
 * Sets *ret_path to the absolute path of a directory, for free(). what: "LOWER" or "MOUNTPOINT".
 * Returns 0, or -errno and *error.
 */
int view_directory(const char *what, const char *path, char **ret_path, struct pst_error *error);

/* Fills *error: a system call on a path failed with errno number. Returns -number. */
int view_unreachable(const char *what, const char *path, int number, struct pst_error *error);

/*
 * Fills *error: a view is mounted at the mount point already, and its process may have died.
 * Returns -errno.
 */
int view_refuse_second(const char *mountpoint, struct pst_error *error);
