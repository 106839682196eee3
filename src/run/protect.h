/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Ways around the view by files of the kernel. */

struct pst_error;

/*
 * Close them in this mount namespace, for a command of root, and of another user. For root: no
 * device can be opened but a few harmless ones, and the settings of the kernel are read-only. Call
 * it before the mounts are locked. Returns 0, or -errno and *error.
 */
int protect_from_root(struct pst_error *error);
/*
 * Checks, in the namespaces of the command, that the kernel refuses root a new /proc, whose
 * settings would be writable. Returns 0, or -errno and *error.
 */
int protect_check(struct pst_error *error);
int protect_from_user(struct pst_error *error);
