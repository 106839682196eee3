// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The mount of the view. The mount is created detached; the daemon answers INIT while it is
 * attached nowhere, and attaches it at its mount point when all parts of the view work. No state,
 * no locks.
 */
#include "mount/mount.h"
#include "mount/fusermount.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/mount-attrs.h"
#include "util/mountinfo.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int config_string(int fd, const char *key, const char *value)
{
	return fsconfig(fd, FSCONFIG_SET_STRING, key, value, 0) < 0 ? -errno : 0;
}

static int config_number(int fd, const char *key, const char *format, unsigned int value)
{
	char text[16];

	snprintf(text, sizeof(text), format, value);
	return config_string(fd, key, text);
}

static int config_flag(int fd, const char *key, bool on)
{
	return on && fsconfig(fd, FSCONFIG_SET_FLAG, key, NULL, 0) < 0 ? -errno : 0;
}

/* Passes the options to the kernel and creates the superblock. Returns 0 or the first -errno. */
static int configure(int fd, const struct mount_options *options)
{
	unsigned int flags = options->mount_flags;
	int r = config_string(fd, "source", options->source)                         ?:
			config_string(fd, "subtype", "penstock")                     ?:
			config_number(fd, "fd", "%u", (unsigned int)options->dev_fd) ?:
			config_number(fd, "rootmode", "%o", S_IFDIR)                 ?:
			config_number(fd, "user_id", "%u", getuid())                 ?:
			config_number(fd, "group_id", "%u", getgid())                ?:
			config_number(fd, "max_read", "%u", options->max_read)       ?:
			config_flag(fd, "default_permissions", true)                 ?:
			config_flag(fd, "allow_other", options->allow_other)         ?:
			config_flag(fd, "sync", flags & PST_MOUNT_SYNC)              ?:
			config_flag(fd, "dirsync", flags & PST_MOUNT_DIRSYNC)        ?:
			config_flag(fd, "ro", options->readonly);

	if (r == 0 && fsconfig(fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		r = -errno;
	return r;
}

/*
 * Gets the number of the connection that a descriptor or path belongs to. The kernel sends no
 * request for that to the file system. Returns 0 or -errno.
 */
static int connection_of(int fd, const char *path, int flags, unsigned int *ret_connection)
{
	struct statx stx;

	if (statx(fd, path, flags | AT_STATX_DONT_SYNC, 0, &stx) < 0)
		return -errno;
	*ret_connection = mountinfo_connection(stx.stx_dev_major, stx.stx_dev_minor);
	return 0;
}

int mount_create(const struct mount_options *options, unsigned int *ret_connection,
		 struct pst_error *error)
{
	_cleanup_(fd_closep) int fs_fd = fsopen("fuse", FSOPEN_CLOEXEC);
	_cleanup_(fd_closep) int fd = -1;
	int r;

	if (fs_fd < 0 && errno == EPERM)
		return error_set(error, -EPERM,
				 "mounting needs CAP_SYS_ADMIN: run this command as root");
	if (fs_fd < 0)
		return error_set(error, -errno, "the kernel has no FUSE (%s): try `modprobe fuse`",
				 strerror(errno));
	r = configure(fs_fd, options);
	if (r < 0)
		return error_set(error, r, "the kernel refused the options of the mount: %s",
				 strerror(-r));
	fd = fsmount(fs_fd, FSMOUNT_CLOEXEC, (unsigned int)mount_attrs(options->mount_flags));
	if (fd < 0)
		return error_set(error, -errno, "the kernel refused the mount: %s",
				 strerror(errno));
	r = connection_of(fd, "", AT_EMPTY_PATH, ret_connection);
	if (r < 0)
		return error_set(error, r, "cannot read the device number of the new mount: %s",
				 strerror(-r));
	return take_fd(&fd);
}

int mount_by_helper(const struct mount_options *options, const char *mountpoint,
		    unsigned int *ret_connection, struct pst_error *error)
{
	_cleanup_(fd_closep) int fd = fusermount_mount(options, mountpoint, error);
	int r;

	if (fd < 0)
		return fd;
	r = dup3(fd, options->dev_fd, O_CLOEXEC) < 0 ?
		    -errno :
		    connection_of(AT_FDCWD, mountpoint, AT_NO_AUTOMOUNT, ret_connection);
	if (r == 0)
		return 0;
	fusermount_unmount(mountpoint, true);
	return error_set(error, r, "cannot use the mount at %s: %s", mountpoint, strerror(-r));
}

int mount_attach(int mount_fd, const char *mountpoint, struct pst_error *error)
{
	if (move_mount(mount_fd, "", AT_FDCWD, mountpoint, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return error_set(error, -errno, "cannot mount at %s: %s", mountpoint,
				 strerror(errno));
	return 0;
}

/*
 * Finds a path at which the connection is mounted and not covered: mountpoint, or else the last
 * mount in the table. Returns 0 or -errno. The caller frees *ret_path, which stays NULL if the
 * connection is mounted nowhere in this namespace.
 */
static int find_mount(unsigned int connection, const char *mountpoint, char **ret_path)
{
	_cleanup_(mountinfo_fini) struct mountinfo_table table = { 0 };
	const struct mountinfo *mount;
	unsigned int there = 0;
	int r;

	/* Another process may have moved the mount, or mounted something else over it. */
	if (connection_of(AT_FDCWD, mountpoint, AT_NO_AUTOMOUNT, &there) < 0 ||
	    there != connection) {
		r = mountinfo_read(MOUNTINFO_OWN, &table);
		mount = mountinfo_of(&table, connection);
		if (r < 0 || !mount)
			return r;
		mountpoint = mount->point;
	}
	*ret_path = strdup(mountpoint);
	return *ret_path ? 0 : -ENOMEM;
}

bool mount_is_view(const char *path)
{
	_cleanup_(mountinfo_fini) struct mountinfo_table table = { 0 };
	const struct mountinfo *mount;

	mountinfo_read(MOUNTINFO_OWN, &table);
	mount = mountinfo_at(&table, path);
	return mount &&
	       (strcmp(mount->type, "fuse.penstock") == 0 || strcmp(mount->type, "penstock") == 0);
}

int mount_set_readonly(unsigned int connection, const char *mountpoint, bool readonly)
{
	_cleanup_(fd_closep) int fd = -1;
	_cleanup_(freep) char *path = NULL;

	find_mount(connection, mountpoint, &path);
	if (!path)
		return -ENOENT;
	fd = fspick(AT_FDCWD, path, FSPICK_CLOEXEC | FSPICK_NO_AUTOMOUNT | FSPICK_SYMLINK_NOFOLLOW);
	if (fd < 0 || fsconfig(fd, FSCONFIG_SET_FLAG, readonly ? "ro" : "rw", NULL, 0) < 0 ||
	    fsconfig(fd, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0) < 0)
		return -errno;
	return 0;
}

int mount_detach(unsigned int connection, const char *mountpoint, bool lazy, bool all)
{
	for (int tries = 0; tries < 1000; tries++) {
		_cleanup_(freep) char *path = NULL;
		int r = find_mount(connection, mountpoint, &path);

		if (r < 0 || !path)
			return r;
		r = umount2(path, (lazy ? MNT_DETACH : 0) | UMOUNT_NOFOLLOW) < 0 ? -errno : 0;
		if (r == -EPERM)
			r = fusermount_unmount(path, lazy);
		if (r < 0 || !all)
			return r;
	}
	return -EBUSY;
}
