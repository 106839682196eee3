/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Chooses the engine of a view. */
#include "cmd/options.h"

#define ENGINE_NEEDS_PROCESS (-1)

/*
 * Mounts the view with the kernel engine if engine= chooses it and no process has to stay. Prints
 * errors, and logs the choice; if engine=auto falls back to FUSE, also the reason. Returns an exit
 * code; or ENGINE_NEEDS_PROCESS if pst_view_mount() has to mount the view in a process that stays,
 * with view.engine, which is FUSE or KERNEL then.
 */
int engine_mount(struct mount_options *options);
