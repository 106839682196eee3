/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The ways to the tree below the view that only root has. */

struct pst_error;

/*
 * Closes them in this mount namespace: no device can be opened but a few harmless ones, and the
 * settings of the kernel are read-only. Call it before the mounts are locked. Returns 0, or -errno
 * and *error.
 */
int root_only_close(struct pst_error *error);
