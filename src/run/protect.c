// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Ways around the view by files of the kernel.
 *
 * The user who mounted a view owns the file in fusectl by which it is aborted. The command of root
 * has no capability outside of its user namespace, but it has root's user ID, which owns the nodes
 * of disks and the files of /proc/sys and /sys: the disk of LOWER, and settings such as
 * core_pattern, by which the kernel starts programs outside. So all mounts become nodev, a new /dev
 * has a few devices that lead nowhere, and pseudo file systems become read-only. The mounts of this
 * namespace and their flags are locked afterwards. No state, no locks.
 */
#include "run/protect.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/fstype.h"
#include "util/log.h"
#include "util/mountinfo.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DEV "/dev"

static int set_attr(const char *path, bool recursive, uint64_t attr)
{
	struct mount_attr set = { .attr_set = attr };

	return mount_setattr(AT_FDCWD, path, recursive ? AT_RECURSIVE : 0, &set, sizeof(set)) < 0 ?
		       -errno :
		       0;
}

/* -- /dev ------------------------------------------------------------------------------------- */

/* The entries of the new /dev. Directories are mounts: terminals, memory, queues. */
static const char *const kept[] = { "null", "zero", "full", "random", "urandom",
				    "tty",  "fuse", "pts",  "shm",    "mqueue" };

#define N_KEPT (sizeof(kept) / sizeof(kept[0]))

/* Clones the entries of /dev that stay. A clone is a mount that is attached nowhere. */
static void clone_entries(int fds[N_KEPT])
{
	char path[64];

	for (size_t i = 0; i < N_KEPT; i++) {
		snprintf(path, sizeof(path), DEV "/%s", kept[i]);
		fds[i] = open_tree(AT_FDCWD, path,
				   OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
					   (unsigned int)AT_RECURSIVE | AT_SYMLINK_NOFOLLOW);
	}
}

/* Copies the symbolic links of the old /dev, except those to devices that are not there. */
static int copy_links(int old, int new)
{
	DIR *dir = fdopendir(dup(old));
	char target[256];
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		ssize_t len = readlinkat(old, entry->d_name, target, sizeof(target) - 1);

		if (len <= 0)
			continue;
		target[len] = '\0';
		if (target[0] == '/' && strncmp(target, DEV "/", 5) != 0)
			symlinkat(target, new, entry->d_name);
	}
	if (dir)
		closedir(dir);
	return symlinkat("pts/ptmx", new, "ptmx") < 0 && errno != EEXIST ? -errno : 0;
}

static int attach(int new, const char *name, int fd)
{
	struct stat st;
	int r;

	if (fd < 0)
		return 0;
	r = fstat(fd, &st);
	if (r == 0 && S_ISDIR(st.st_mode))
		r = mkdirat(new, name, 0755);
	else if (r == 0)
		r = mknodat(new, name, S_IFREG | 0666, 0);
	if (r == 0)
		r = move_mount(fd, "", new, name, MOVE_MOUNT_F_EMPTY_PATH);
	return r < 0 ? -errno : 0;
}

/* Mounts the new /dev over the old one. */
static int cover_dev(int fds[N_KEPT])
{
	_cleanup_(fd_closep) int old = open(DEV, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(fd_closep) int new = -1;
	int r;

	if (old < 0 || mount("dev", DEV, "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=755,size=64k") < 0)
		return -errno;
	new = open(DEV, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (new < 0)
		return -errno;
	r = copy_links(old, new);
	for (size_t i = 0; i < N_KEPT && r == 0; i++)
		r = attach(new, kept[i], fds[i]);
	return r;
}

static int replace_dev(struct pst_error *error)
{
	int fds[N_KEPT], r;

	clone_entries(fds);
	r = set_attr("/", true, MOUNT_ATTR_NODEV);
	if (r < 0)
		error_set(error, r, "cannot set nodev on the mounts of the command: %s",
			  strerror(-r));
	if (r == 0 && (r = cover_dev(fds)) < 0)
		error_set(error, r, "cannot make a /dev for the command: %s", strerror(-r));
	for (size_t i = 0; i < N_KEPT; i++)
		fd_close(fds[i]);
	return r;
}

/* -- pseudo file systems ---------------------------------------------------------------------- */

/* Parts of the new /proc that are no processes, and that root could write to. */
static int protect_proc(struct pst_error *error)
{
	static const char *const paths[] = {
		"/proc/sys",  "/proc/sysrq-trigger", "/proc/irq",  "/proc/bus",   "/proc/fs",
		"/proc/acpi", "/proc/scsi",          "/proc/mtrr", "/proc/driver"
	};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		int r;

		if (mount(paths[i], paths[i], NULL, MS_BIND, NULL) < 0)
			r = errno == ENOENT ? 0 : -errno;
		else
			r = set_attr(paths[i], false, MOUNT_ATTR_RDONLY);
		if (r < 0)
			return error_set(error, r, "cannot make %s read-only for the command: %s",
					 paths[i], strerror(-r));
	}
	return 0;
}

static bool is_pseudo(const struct mountinfo *mount)
{
	return fstype_is_pseudo(mount->type) && strcmp(mount->point, "/proc") != 0;
}

static bool is_fusectl(const struct mountinfo *mount)
{
	return strcmp(mount->type, "fusectl") == 0;
}

static int protect_mounts(bool (*is)(const struct mountinfo *mount), struct pst_error *error)
{
	_cleanup_(mountinfo_fini) struct mountinfo_table table = { 0 };
	int r = mountinfo_read(MOUNTINFO_OWN, &table);

	if (r < 0)
		return error_set(error, r, "cannot read the mounts of the command: %s",
				 strerror(-r));
	for (size_t i = 0; i < table.n; i++) {
		const struct mountinfo *mount = &table.mounts[i];

		if (!is(mount))
			continue;
		r = set_attr(mount->point, false, MOUNT_ATTR_RDONLY);
		/* A mount that another one covers cannot be reached, neither here nor inside. */
		if (r < 0 && r != -EINVAL && r != -ENOENT)
			return error_set(error, r, "cannot make %s read-only for the command: %s",
					 mount->point, strerror(-r));
	}
	return 0;
}

int protect_from_root(struct pst_error *error)
{
	/* Before the new /dev covers mounts, which could then not be reached. */
	int r = protect_mounts(is_pseudo, error);

	if (r == 0)
		r = replace_dev(error);
	return r == 0 ? protect_proc(error) : r;
}

int protect_check(struct pst_error *error)
{
	_cleanup_(fd_closep) int fs_fd = fsopen("proc", FSOPEN_CLOEXEC);
	_cleanup_(fd_closep) int fd = -1;

	if (fs_fd >= 0 && fsconfig(fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		fd = fsmount(fs_fd, FSMOUNT_CLOEXEC, 0);
	if (fd < 0)
		return 0;
	return error_set(error, -EPERM,
			 "the command could mount a writable /proc, because a mount that cannot be "
			 "reached covers another /proc: unmount it (`grep proc "
			 "/proc/self/mountinfo`), or run the command as another user");
}

int protect_from_user(struct pst_error *error)
{
	return protect_mounts(is_fusectl, error);
}
