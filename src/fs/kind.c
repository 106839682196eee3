/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is known of kinds of lower file systems by their names alone. */
#include "fs/fs-private.h"

#include <linux/magic.h>
#include <sys/vfs.h>

#define GFS2_MAGIC 0x01161970
#define REMOTE .elsewhere = true, .far = true

static const struct kind kinds[] = {
	{ NFS_SUPER_MAGIC, "NFS", REMOTE },
	{ SMB_SUPER_MAGIC, "SMB", REMOTE },
	{ CIFS_SUPER_MAGIC, "SMB", REMOTE },
	{ SMB2_SUPER_MAGIC, "SMB", REMOTE },
	{ CEPH_SUPER_MAGIC, "Ceph", REMOTE },
	{ V9FS_MAGIC, "9p", REMOTE },
	{ FUSE_SUPER_MAGIC, "FUSE", REMOTE },
	{ AFS_SUPER_MAGIC, "AFS", REMOTE },
	{ AFS_FS_MAGIC, "AFS", REMOTE },
	{ CODA_SUPER_MAGIC, "Coda", REMOTE },
	{ OCFS2_SUPER_MAGIC, "OCFS2", REMOTE },
	{ GFS2_MAGIC, "GFS2", REMOTE },
	{ OVERLAYFS_SUPER_MAGIC, "overlayfs", .elsewhere = true },
	{ PROC_SUPER_MAGIC, "proc", .elsewhere = true, .sizeless = true },
	{ SYSFS_MAGIC, "sysfs", .elsewhere = true, .sizeless = true },
	{ CGROUP_SUPER_MAGIC, "cgroup", .elsewhere = true, .sizeless = true },
	{ CGROUP2_SUPER_MAGIC, "cgroup", .elsewhere = true, .sizeless = true },
	{ DEBUGFS_MAGIC, "debugfs", .sizeless = true },
	{ TRACEFS_MAGIC, "tracefs", .sizeless = true },
	{ SECURITYFS_MAGIC, "securityfs", .sizeless = true },
	{ BPF_FS_MAGIC, "bpf", .sizeless = true },
};

const struct kind *kind_of(int fd)
{
	static const struct kind other = { 0 };
	struct statfs st;

	if (fstatfs(fd, &st) < 0)
		return NULL;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].type == (uint64_t)st.f_type)
			return &kinds[i];
	return &other;
}
