/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Mounts: the private clone of LOWER's, and the view's own. Errors are -errno, with a text. */
#include <penstock/penstock.h>
#include <stdbool.h>

/* -- the private clone of LOWER (mount-clone.c) ----------------------------------------------- */

/*
 * Clones the mount that a directory lies on, rooted there and attached nowhere, with the view's own
 * atime and read-only flags (mount_flags: PST_MOUNT_*). No other process can unmount or cover it.
 * recursive: with the mounts below, except those whose file system type leave_out() (may be NULL)
 * names, as far as the kernel permits. Returns its descriptor or -errno.
 */
int mount_clone_lower(const char *path, unsigned int mount_flags, bool recursive,
		      bool (*leave_out)(const char *type), struct pst_error *error);
/* Sets the flags that a clone has from the view's mount: see pst_view_remounted(). 0 or -errno. */
int mount_clone_set_flags(int lower_fd, unsigned int mount_flags);
/* Makes the clone writable, not what is mounted below it, as far as the kernel permits. */
void mount_clone_clear_readonly(int lower_fd);
/* True if one of the mounts below a directory is read-only by a flag of its own. */
bool mount_clone_has_readonly_below(const char *path);

/* -- the view's mount (mount.c) --------------------------------------------------------------- */

struct mount_options {
	int dev_fd; /* a fresh /dev/fuse */
	const char *source;
	unsigned int mount_flags; /* PST_MOUNT_* */
	unsigned int max_read;
	bool allow_other;
	bool readonly; /* the file system itself, whatever flags its mounts have */
};
/*
 * Makes the view's mount, attached nowhere; the kernel then sends INIT to dev_fd. Returns the
 * mount's descriptor or -errno; *ret_connection is its number in /sys/fs/fuse/connections.
 */
int mount_create(const struct mount_options *options, unsigned int *ret_connection,
		 struct pst_error *error);
/*
 * Makes the file system of a connection read-only or writable. Returns 0 or -errno (-ENOENT: it is
 * mounted nowhere in this namespace).
 */
int mount_set_readonly(unsigned int connection, const char *mountpoint, bool readonly);
int mount_attach(int mount_fd, const char *mountpoint, struct pst_error *error);

/* Unmounts the connection's mount at mountpoint, or (all) each of its mounts in this namespace. */
int mount_detach(unsigned int connection, const char *mountpoint, bool lazy, bool all);
/* True if the topmost mount at path is a view. */
bool mount_is_view(const char *path);
