/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Mounts: the detached clone of LOWER's mount, and the view's mount. */
#include <penstock/penstock.h>
#include <stdbool.h>

/* -- the private clone of LOWER (mount-clone.c) ----------------------------------------------- */

/*
 * Clones the mount that a directory lies on. The clone has the directory as its root, is attached
 * nowhere, and gets the view's atime and read-only flags (mount_flags: PST_MOUNT_*). No other
 * process can unmount or cover it. If recursive is true, also clones the submounts, as far as the
 * kernel permits, except those for whose file system type leave_out() (may be NULL) returns true.
 * Returns a descriptor of the clone, which the caller owns, or -errno and *error.
 */
int mount_clone_lower(const char *path, unsigned int mount_flags, bool recursive,
		      bool (*leave_out)(const char *type), struct pst_error *error);
/*
 * Sets the flags of a clone and its submounts to those of the view's mount, for
 * pst_view_remounted(). Returns 0 or -errno.
 */
int mount_clone_set_flags(int lower_fd, unsigned int mount_flags);
/* Makes the clone writable, but not its submounts, as far as the kernel permits. */
void mount_clone_clear_readonly(int lower_fd);
/*
 * Returns whether a submount of the directory has the read-only flag itself; true if the mount
 * table cannot be read.
 */
bool mount_clone_has_readonly_below(const char *path);

/* -- the view's mount (mount.c) --------------------------------------------------------------- */

struct mount_options {
	int dev_fd; /* a new descriptor of /dev/fuse; borrowed */
	const char *source;
	unsigned int mount_flags; /* PST_MOUNT_* */
	unsigned int max_read;
	bool allow_other;
	bool readonly; /* the superblock, whatever flags its mounts have */
};
/*
 * Creates the view's mount, attached nowhere; the kernel then sends INIT to dev_fd. Returns a
 * descriptor of the mount, which the caller owns, or -errno and *error. *ret_connection is the
 * connection's number in /sys/fs/fuse/connections.
 */
int mount_create(const struct mount_options *options, unsigned int *ret_connection,
		 struct pst_error *error);
/*
 * Creates the view's mount by fusermount3 and attaches it. dev_fd becomes a descriptor of the new
 * connection. Returns 0, or -errno and *error; *ret_connection as mount_create().
 */
int mount_by_helper(const struct mount_options *options, const char *mountpoint,
		    unsigned int *ret_connection, struct pst_error *error);
/*
 * Makes the superblock of a connection read-only or writable. Returns 0, -ENOENT if the connection
 * is mounted nowhere in this namespace, or another -errno.
 */
int mount_set_readonly(unsigned int connection, const char *mountpoint, bool readonly);
/* Attaches the mount at mountpoint. The caller keeps mount_fd. Returns 0, or -errno and *error. */
int mount_attach(int mount_fd, const char *mountpoint, struct pst_error *error);

/*
 * Unmounts the connection's mount at mountpoint, or wherever it is now. If all is true, unmounts
 * each mount of the connection in this namespace. Returns 0 or -errno.
 */
int mount_detach(unsigned int connection, const char *mountpoint, bool lazy, bool all);
/* Returns whether the topmost mount at path is a view. */
bool mount_is_view(const char *path);
