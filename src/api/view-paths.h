/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Checks the paths LOWER and MOUNTPOINT, and words the errors about them. */
#include <penstock/penstock.h>

/*
 * Sets *ret_path to the absolute path of a directory; the caller frees it. path may be NULL. what
 * is "LOWER" or "MOUNTPOINT", for the message. Returns 0, or -errno and *error.
 */
int view_directory(const char *what, const char *path, char **ret_path, struct pst_error *error);

/*
 * Fills *error after a system call on path failed with the errno number (positive). what is "LOWER"
 * or "MOUNTPOINT". Returns -number.
 */
int view_unreachable(const char *what, const char *path, int number, struct pst_error *error);

/*
 * Fills *error when a view is already mounted at the mount point. Returns -EBUSY, or -ENOTCONN if
 * the process of that view has died.
 */
int view_refuse_second(const char *mountpoint, struct pst_error *error);
