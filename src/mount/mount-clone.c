// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The detached clone of LOWER's mount, with its submounts, except those of some file system types.
 *
 * The kernel cannot unmount anything from a detached clone. So a thread creates a mount namespace,
 * unmounts the excluded submounts there, where no other process sees it, and clones the rest. If
 * nothing is excluded, or the kernel refuses the namespace, the calling thread clones the mount
 * directly. No state, no locks.
 */
#include "mount/mount.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/mount-attrs.h"
#include "util/mountinfo.h"
#include "util/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>

struct clone {
	const char *path;
	bool (*leave_out)(const char *type);
	int fd; /* or -errno */
};

static int open_clone(const char *path, bool recursive)
{
	int fd = open_tree(AT_FDCWD, path,
			   OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
				   (recursive ? (unsigned int)AT_RECURSIVE : 0));

	return fd < 0 ? -errno : fd;
}

static bool is_below(const char *path, const char *top)
{
	size_t len = strcmp(top, "/") == 0 ? 0 : strlen(top);

	return strncmp(path, top, len) == 0 && path[len] == '/' && path[len + 1];
}

static bool is_left_out(const struct clone *clone, const struct mountinfo *mount)
{
	return is_below(mount->point, clone->path) && clone->leave_out(mount->type);
}

/* The thread. After the first two calls it changes mounts without effect on other processes. */
static void *clone_main(void *arg)
{
	_cleanup_(mountinfo_fini) struct mountinfo_table table = { 0 };
	struct clone *clone = arg;
	int r;

	if (unshare(CLONE_FS | CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
		clone->fd = -errno;
		return NULL;
	}
	r = mountinfo_read(MOUNTINFO_OWN, &table);
	/*
	 * Ignore errors: umount2() fails for a mount that was unmounted together with its parent,
	 * and for a mount that the kernel has locked. In the second case lookups find the pseudo
	 * file system, and hide it.
	 */
	for (size_t i = 0; i < table.n; i++)
		if (is_left_out(clone, &table.mounts[i]))
			umount2(table.mounts[i].point, MNT_DETACH | UMOUNT_NOFOLLOW);
	clone->fd = r < 0 ? r : open_clone(clone->path, true);
	return NULL;
}

/* Returns whether there are mounts to leave out; true if the mount table cannot be read. */
static bool has_left_out(const struct clone *clone)
{
	_cleanup_(mountinfo_fini) struct mountinfo_table table = { 0 };
	bool found = mountinfo_read(MOUNTINFO_OWN, &table) < 0;

	for (size_t i = 0; i < table.n && !found; i++)
		found = is_left_out(clone, &table.mounts[i]);
	return found;
}

static int clone_tree(const char *path, bool recursive, bool (*leave_out)(const char *type))
{
	struct clone clone = { .path = path, .leave_out = leave_out, .fd = -EAGAIN };
	pthread_t thread;

	if (!recursive || !leave_out || !has_left_out(&clone))
		return open_clone(path, recursive);
	if (thread_create(&thread, NULL, clone_main, &clone) == 0)
		pthread_join(thread, NULL);
	return clone.fd >= 0 ? clone.fd : open_clone(path, true);
}

/* Returns the flags of the view's mount that the clone of LOWER's mount also gets. */
static struct mount_attr attr_of(unsigned int flags)
{
	struct mount_attr attr = {
		.attr_set = mount_attrs(flags) & (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODIRATIME),
	};

	if (flags & (PST_MOUNT_NOATIME | PST_MOUNT_STRICTATIME | PST_MOUNT_RELATIME)) {
		attr.attr_clr = MOUNT_ATTR__ATIME;
		attr.attr_set |= mount_attrs(flags) & MOUNT_ATTR__ATIME;
	}
	return attr;
}

int mount_clone_lower(const char *path, unsigned int flags, bool recursive,
		      bool (*leave_out)(const char *type), struct pst_error *error)
{
	_cleanup_(fd_closep) int fd = -1;
	struct mount_attr attr = attr_of(flags);

	fd = clone_tree(path, recursive, leave_out);
	if (fd == -EPERM)
		return error_set(
			error, -EPERM,
			"cannot clone the mount of %s: that needs CAP_SYS_ADMIN in the user "
			"namespace that owns this mount namespace; in a user namespace of your "
			"own, make a mount namespace, too (`unshare -Urm`)",
			path);
	if (fd == -EINVAL && !recursive)
		return error_set(error, -EINVAL,
				 "file systems are mounted below %s, and the kernel does not let a "
				 "user namespace hide them: use xdev=cross",
				 path);
	if (fd < 0)
		return error_set(error, fd, "cannot clone the mount of %s: %s", path,
				 strerror(-fd));
	attr.propagation = MS_PRIVATE;
	if (mount_setattr(fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr)) == 0)
		return take_fd(&fd);
	if (errno == EPERM && attr.attr_clr)
		return error_set(
			error, -EPERM,
			"the kernel does not let a user namespace change how the mount of %s "
			"updates access times: leave out noatime, relatime and strictatime",
			path);
	return error_set(error, -errno, "cannot set the flags of the mount of %s: %s", path,
			 strerror(errno));
}

int mount_clone_set_flags(int lower_fd, unsigned int flags)
{
	struct mount_attr attr = attr_of(flags);

	attr.attr_clr |= MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODIRATIME;
	if (mount_setattr(lower_fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr)) == 0)
		return 0;
	return -errno;
}

void mount_clone_clear_readonly(int lower_fd)
{
	struct mount_attr attr = { .attr_clr = MOUNT_ATTR_RDONLY };

	mount_setattr(lower_fd, "", AT_EMPTY_PATH, &attr, sizeof(attr));
}

bool mount_clone_has_readonly_below(const char *path)
{
	_cleanup_(mountinfo_fini) struct mountinfo_table table = { 0 };
	bool found = mountinfo_read(MOUNTINFO_OWN, &table) < 0;

	for (size_t i = 0; i < table.n && !found; i++)
		found = is_below(table.mounts[i].point, path) &&
			strncmp(table.mounts[i].flags, "ro", 2) == 0;
	return found;
}
