/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Mounts: the private clone of LOWER's, and the view's own. Errors are answers, with a text. */
#include <penstock/penstock.h>
#include <stdbool.h>

/*
 * A detached clone of the mount that the directory lies on, rooted there, with the view's own atime
 * and read-only flags. Nobody else can unmount or cover it. Returns its descriptor.
 */
int mount_clone_lower(const char *path, unsigned int mount_flags, bool recursive,
		      bool (*leave_out)(const char *type), struct pst_error *error);

/*
 * clone.c: the clone alone; returns its descriptor or -errno. recursive: with the mounts below but
 * for those whose file system type leave_out() (may be NULL) names, as far as they can be left out.
 */
int mount_clone_tree(const char *path, bool recursive, bool (*leave_out)(const char *type));
/*
 * Changes what a clone has of the flags of the view's mount: see pst_view_remounted(). Returns 0 or
 * -errno.
 */
int mount_reflag_lower(int lower_fd, unsigned int mount_flags);
/* Makes one clone writable, not what is mounted below it, as far as that is permitted. */
void mount_clear_readonly(int lower_fd);
/* Whether one of the mounts below a directory is read-only by a flag of its own. */
bool mount_has_readonly_below(const char *path);

struct mount_options {
	int dev_fd;			/* a fresh /dev/fuse */
	const char *source;
	unsigned int mount_flags;	/* PST_MOUNT_* */
	unsigned int max_read;
	bool allow_other;
	bool readonly;			/* the file system itself, whatever flags its mounts have */
};
/*
 * Makes the view's mount, attached nowhere yet; the kernel then sends INIT to dev_fd. Returns the
 * mount's descriptor; *ret_connection is its number in /sys/fs/fuse/connections.
 */
int mount_create(const struct mount_options *options, unsigned int *ret_connection,
		 struct pst_error *error);
/*
 * Makes the file system of a connection, which is mounted in sight, read-only or writable. Returns
 * 0 or -errno.
 */
int mount_set_readonly(unsigned int connection, const char *mountpoint, bool readonly);
int mount_attach(int mount_fd, const char *mountpoint, struct pst_error *error);

/* Unmounts the connection's mount at mountpoint, or (all) every mount of it in sight. */
int mount_detach(unsigned int connection, const char *mountpoint, bool lazy, bool all);
/* Whether a view is the topmost thing at path already. */
bool mount_is_view(const char *path);
