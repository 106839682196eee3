/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* LOWER and MOUNTPOINT as the user gives them, and what is said of those that will not do. */
#include <penstock/penstock.h>

/* The absolute path of a directory, for free(), or an error that names what is wrong with it. */
int view_directory(const char *what, const char *path, char **ret_path, struct pst_error *error);

/* Says that a path cannot be reached for this errno; -errno. */
int view_unreachable(const char *what, const char *path, int number, struct pst_error *error);

/* Says that a view is at the mount point already, or that its process has died; -errno. */
int view_refuse_second(const char *mountpoint, struct pst_error *error);
