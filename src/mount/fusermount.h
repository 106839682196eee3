/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Mounts of ordinary users, by the set-user-ID program fusermount3 of libfuse. */
#include <stdbool.h>

struct mount_options;
struct pst_error;

/* Returns whether the program is installed. */
bool fusermount_exists(void);
/*
 * Returns why the program cannot mount for ordinary users here, and the remedy; NULL if nothing
 * forbids it. The string is a constant.
 */
const char *fusermount_lacks(void);
/*
 * Mounts at mountpoint, which then waits for the reply to INIT. Ignores options->dev_fd and
 * options->allow_other. Returns a descriptor of the new connection, which the caller owns; or
 * -errno and *error, with the message of the program.
 */
int fusermount_mount(const struct mount_options *options, const char *mountpoint,
		     struct pst_error *error);
/*
 * Unmounts a mount of this user. Returns 0 or -errno: -EPERM for a mount of another user, -EBUSY if
 * the program refuses.
 */
int fusermount_unmount(const char *mountpoint, bool lazy);
