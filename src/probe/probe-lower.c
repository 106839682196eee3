// SPDX-License-Identifier: LGPL-2.1-or-later
/* What the file system of LOWER can do for a view. */
#include "probe/probe.h"
#include "fs/fs.h"
#include "util/cleanup.h"
#include "util/fd.h"

#include <penstock/penstock.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <unistd.h>

#define OVERLAY 0x794c7630
#define ECRYPTFS 0xf15f

static const struct type {
	const char *name;
	unsigned long magic;
} types[] = {
	{ "ext4", 0xef53 },	    { "xfs", 0x58465342 },     { "btrfs", 0x9123683e },
	{ "bcachefs", 0xca451a4e }, { "f2fs", 0xf2f52010 },    { "zfs", 0x2fc12fc1 },
	{ "tmpfs", 0x01021994 },    { "ramfs", 0x858458f6 },   { "fat", 0x4d44 },
	{ "exfat", 0x2011bab0 },    { "ntfs3", 0x7366746e },   { "iso9660", 0x9660 },
	{ "squashfs", 0x73717368 }, { "erofs", 0xe0f5e1e2 },   { "proc", 0x9fa0 },
	{ "sysfs", 0x62656572 },    { "cgroup2", 0x63677270 }, { "nfs", 0x6969 },
	{ "cifs", 0xff534d42 },	    { "smb2", 0xfe534d42 },    { "ceph", 0x00c36400 },
	{ "9p", 0x01021997 },	    { "afs", 0x5346414f },     { "fuse", 0x65735546 },
	{ "gfs2", 0x01161970 },	    { "ocfs2", 0x7461636f },   { "overlay", OVERLAY },
	{ "ecryptfs", ECRYPTFS },
};

static void probe_type(struct probe *probe, int lower_fd)
{
	struct statfs st;
	unsigned long type;

	if (fstatfs(lower_fd, &st) < 0) {
		probe_row(probe, "lower_type", false, "LOWER does not say what it is: %s.",
			  strerror(errno));
		return;
	}
	type = (unsigned long)st.f_type;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (types[i].magic != type)
			continue;
		probe_row(
			probe, "lower_type", true, "LOWER is %s%s.", types[i].name,
			type == OVERLAY || type == ECRYPTFS ?
				": it lies on other file systems, and counts as a level of stacking" :
				"");
		return;
	}
	probe_row(probe, "lower_type", true, "LOWER is of the type 0x%lx, which is not known here.",
		  type);
}

static void probe_handles(struct probe *probe, int lower_fd)
{
	const char *name = "lower_handles";
	unsigned int len;
	int r = fs_handles_try(lower_fd, &len);

	if (r == 0)
		probe_row(probe, name, true,
			  "LOWER has file handles, of %u bytes here: nodes need no descriptors.", len);
	else if (!len)
		probe_row(probe, name, false,
			  "LOWER has no file handles (%s): each node of the view keeps a descriptor, so "
			  "RLIMIT_NOFILE bounds their number.",
			  strerror(-r));
	else if (r == -EPERM)
		probe_row(probe, name, false,
			  "LOWER has file handles, but opening them takes CAP_DAC_READ_SEARCH in the "
			  "initial user namespace: each node of the view keeps a descriptor, so "
			  "RLIMIT_NOFILE bounds their number.");
	else
		probe_row(probe, name, false,
			  "LOWER gives out file handles that it cannot open (%s): each node of the view "
			  "keeps a descriptor, so RLIMIT_NOFILE bounds their number.",
			  strerror(-r));
}

static void probe_watch(struct probe *probe, int lower_fd)
{
	struct fs_way way;

	fs_way(lower_fd, &way);
	if (way.heard)
		probe_row(probe, "lower_watch", true,
			  "With cache=auto, changes below are heard of: they show at once.");
	else
		probe_row(probe, "lower_watch", false,
			  "With cache=auto, changes below are not heard of (%s): they show after a "
			  "second.",
			  way.why);
}

void probe_lower(struct probe *probe, int lower_fd)
{
	probe_type(probe, lower_fd);
	probe_handles(probe, lower_fd);
	probe_watch(probe, lower_fd);
}
