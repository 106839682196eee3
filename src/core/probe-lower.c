// SPDX-License-Identifier: LGPL-2.1-or-later
/* What the file system of LOWER can do for a view. */
#include "core/probe.h"
#include "util/cleanup.h"
#include "util/fd.h"

#include <penstock/penstock.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/statfs.h>
#include <unistd.h>

enum kind {
	KIND_LOCAL,			/* all changes are made by this kernel */
	KIND_REMOTE,			/* other machines, or a process, change it unseen */
	KIND_STACKED,			/* it lies on other file systems */
};

static const struct type {
	const char *name;
	enum kind kind;
	unsigned long magic;
} types[] = {
	{ "ext4", KIND_LOCAL, 0xef53 },		{ "xfs", KIND_LOCAL, 0x58465342 },
	{ "btrfs", KIND_LOCAL, 0x9123683e },	{ "bcachefs", KIND_LOCAL, 0xca451a4e },
	{ "f2fs", KIND_LOCAL, 0xf2f52010 },	{ "zfs", KIND_LOCAL, 0x2fc12fc1 },
	{ "tmpfs", KIND_LOCAL, 0x01021994 },	{ "ramfs", KIND_LOCAL, 0x858458f6 },
	{ "fat", KIND_LOCAL, 0x4d44 },		{ "exfat", KIND_LOCAL, 0x2011bab0 },
	{ "ntfs3", KIND_LOCAL, 0x7366746e },	{ "iso9660", KIND_LOCAL, 0x9660 },
	{ "squashfs", KIND_LOCAL, 0x73717368 }, { "erofs", KIND_LOCAL, 0xe0f5e1e2 },
	{ "proc", KIND_REMOTE, 0x9fa0 },	{ "sysfs", KIND_REMOTE, 0x62656572 },
	{ "cgroup2", KIND_REMOTE, 0x63677270 }, { "nfs", KIND_REMOTE, 0x6969 },
	{ "cifs", KIND_REMOTE, 0xff534d42 },	{ "smb2", KIND_REMOTE, 0xfe534d42 },
	{ "ceph", KIND_REMOTE, 0x00c36400 },	{ "9p", KIND_REMOTE, 0x01021997 },
	{ "afs", KIND_REMOTE, 0x5346414f },	{ "fuse", KIND_REMOTE, 0x65735546 },
	{ "gfs2", KIND_REMOTE, 0x01161970 },	{ "ocfs2", KIND_REMOTE, 0x7461636f },
	{ "overlay", KIND_STACKED, 0x794c7630 }, { "ecryptfs", KIND_STACKED, 0xf15f },
};

static void probe_type(struct probe *probe, int lower_fd)
{
	static const char *const tells[] = {
		[KIND_LOCAL] = "all changes go through this kernel",
		[KIND_REMOTE] = "it may change without this kernel's knowing: keep cache=ttl short",
		[KIND_STACKED] = "it lies on other file systems, and counts as a level of stacking",
	};
	struct statfs st;

	if (fstatfs(lower_fd, &st) < 0) {
		probe_row(probe, "lower_type", false, "LOWER does not say what it is: %s.",
			  strerror(errno));
		return;
	}
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (types[i].magic != (unsigned long)st.f_type)
			continue;
		probe_row(probe, "lower_type", true, "LOWER is %s: %s.", types[i].name,
			  tells[types[i].kind]);
		return;
	}
	probe_row(probe, "lower_type", true, "LOWER is of the type 0x%lx, which is not known here.",
		  (unsigned long)st.f_type);
}

static void probe_handles(struct probe *probe, int lower_fd)
{
	const char *name = "lower_handles";
	struct {
		struct file_handle handle;
		char bytes[MAX_HANDLE_SZ];
	} buffer = { .handle.handle_bytes = MAX_HANDLE_SZ };
	_cleanup_(fd_closep) int fd = -1;
	int mount_id;

	if (name_to_handle_at(lower_fd, "", &buffer.handle, &mount_id, AT_EMPTY_PATH) < 0) {
		probe_row(
			probe, name, false,
			"LOWER has no file handles (%s): each node of the view keeps a descriptor, so "
			"RLIMIT_NOFILE bounds their number.",
			strerror(errno));
		return;
	}
	fd = open_by_handle_at(lower_fd, &buffer.handle, O_PATH | O_CLOEXEC);
	if (fd >= 0)
		probe_row(probe, name, true,
			  "LOWER has file handles, of %u bytes here: nodes need no descriptors.",
			  buffer.handle.handle_bytes);
	else if (errno == EPERM)
		probe_row(
			probe, name, false,
			"LOWER has file handles, but opening them takes CAP_DAC_READ_SEARCH: ask as "
			"root.");
	else
		probe_row(probe, name, false,
			  "LOWER gives out file handles that it cannot open: %s.", strerror(errno));
}

static void probe_watch(struct probe *probe, int lower_fd)
{
	const char *name = "lower_watch";
	_cleanup_(fd_closep) int fd = -1;

	fd = fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_REPORT_FID | FAN_REPORT_DIR_FID |
				   FAN_REPORT_NAME,
			   0);
	if (fd < 0) {
		probe_row(probe, name, false, "Nothing can be watched here, see fanotify.");
		return;
	}
	if (fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM,
			  FAN_ATTRIB | FAN_CREATE | FAN_DELETE | FAN_MOVE | FAN_ONDIR, lower_fd,
			  NULL) == 0)
		probe_row(probe, name, true, "Changes of LOWER's file system can be watched.");
	else if (errno == EPERM)
		probe_row(probe, name, false,
			  "Watching a whole file system takes CAP_SYS_ADMIN: ask as root.");
	else
		probe_row(
			probe, name, false,
			"LOWER's file system cannot be watched (%s): changes made below show when "
			"cache=ttl runs out.",
			strerror(errno));
}

void probe_lower(struct probe *probe, int lower_fd)
{
	probe_type(probe, lower_fd);
	probe_handles(probe, lower_fd);
	probe_watch(probe, lower_fd);
}
