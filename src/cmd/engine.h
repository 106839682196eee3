/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Chooses the engine of a view. */
#include "cmd/options.h"

#define ENGINE_MOUNT_FUSE (-1)
#define ENGINE_MOUNT_BOTH (-2)

/*
 * Mounts the view with the kernel engine if engine= chooses it and no process has to stay. Prints
 * errors, and logs the choice; if engine=auto falls back to FUSE, also the reason. Returns an exit
 * code; ENGINE_MOUNT_FUSE if the FUSE engine has to mount; ENGINE_MOUNT_BOTH if this process has to
 * call engine_mount_both().
 */
int engine_mount(const struct mount_options *options);

/*
 * Mounts the view with the kernel engine, and serves files whose data filters see by a FUSE view,
 * *ret_view, which is mounted nowhere and ends with the view. Returns 0, or -errno with *error.
 */
int engine_mount_both(const struct mount_options *options, struct pst_view **ret_view,
		      struct pst_error *error);
