/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Chooses the engine of a view. */
#include "cmd/options.h"

#define ENGINE_MOUNT_FUSE (-1)

/*
 * Mounts the view with the kernel engine if engine= chooses it. Prints errors, and logs the choice;
 * if engine=auto falls back to FUSE, also the reason. Returns an exit code, or ENGINE_MOUNT_FUSE if
 * the FUSE engine has to mount.
 */
int engine_mount(const struct mount_options *options);
