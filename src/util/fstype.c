// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The table of file system types. No state, no locks.
 *
 * File systems of the types without checks_caller leave permissions to the kernel, which has
 * checked them before a request reaches the daemon: the result of an operation there depends at
 * most on the caller's user ID, group ID and quota. Every other type, and each type that is not in
 * the table, may check the whole identity of the caller.
 */
#include "util/fstype.h"

#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>

#define NTFS3_MAGIC      0x7366746e
#define GFS2_MAGIC       0x01161970
#define XFS_MAGIC        0x58465342
#define BCACHEFS_MAGIC   0xca451a4e
#define ZFS_MAGIC        0x2fc12fc1
#define JFS_MAGIC        0x3153464a
#define EROFS_MAGIC      0xe0f5e1e2
#define EXFAT_MAGIC      0x2011bab0
#define UDF_MAGIC        0x15013346
#define HFSPLUS_MAGIC    0x482b
#define CONFIGFS_MAGIC   0x62656570
#define FUSECTL_MAGIC    0x65735543
#define RPC_PIPEFS_MAGIC 0x67596969
#define NFSD_MAGIC       0x6e667364
#define RESCTRL_MAGIC    0x7655821

#define REMOTE           .unwatchable = true, .remote = true
#define SERVED_ELSEWHERE REMOTE, .checks_caller = true, .checks_ids = true
#define PSEUDO           .checks_caller = true, .pseudo = true, .zero_size = true
#define PSEUDO_OF_OTHERS PSEUDO, .unwatchable = true

static const struct fstype types[] = {
	{ EXT4_SUPER_MAGIC, "ext4", .ordered = true },
	{ XFS_MAGIC, "xfs", .ordered = true },
	{ BTRFS_SUPER_MAGIC, "btrfs", .ordered = true },
	{ TMPFS_MAGIC, "tmpfs", .ordered = true },
	{ RAMFS_MAGIC, "ramfs" },
	{ F2FS_SUPER_MAGIC, "f2fs" },
	{ BCACHEFS_MAGIC, "bcachefs" },
	{ ZFS_MAGIC, "ZFS" },
	{ JFS_MAGIC, "JFS" },
	{ NILFS_SUPER_MAGIC, "nilfs2" },
	{ REISERFS_SUPER_MAGIC, "reiserfs" },
	{ MSDOS_SUPER_MAGIC, "FAT" },
	{ EXFAT_MAGIC, "exFAT" },
	{ HFSPLUS_MAGIC, "HFS+" },
	{ UDF_MAGIC, "UDF" },
	{ ISOFS_SUPER_MAGIC, "ISO 9660" },
	{ EROFS_MAGIC, "EROFS" },
	{ SQUASHFS_MAGIC, "squashfs" },
	{ CRAMFS_MAGIC, "cramfs" },
	{ HUGETLBFS_MAGIC, "hugetlbfs" },
	{ OCFS2_SUPER_MAGIC, "OCFS2", REMOTE },
	{ GFS2_MAGIC, "GFS2", REMOTE },
	{ OVERLAYFS_SUPER_MAGIC, "overlayfs", .unwatchable = true, .stacked = true },

	{ NFS_SUPER_MAGIC, "NFS", SERVED_ELSEWHERE },
	{ SMB_SUPER_MAGIC, "SMB", SERVED_ELSEWHERE },
	{ CIFS_SUPER_MAGIC, "SMB", SERVED_ELSEWHERE },
	{ SMB2_SUPER_MAGIC, "SMB", SERVED_ELSEWHERE },
	{ CEPH_SUPER_MAGIC, "Ceph", SERVED_ELSEWHERE },
	{ V9FS_MAGIC, "9p", SERVED_ELSEWHERE },
	{ FUSE_SUPER_MAGIC, "FUSE", REMOTE, .checks_caller = true, .stacked = true },
	{ AFS_SUPER_MAGIC, "AFS", SERVED_ELSEWHERE },
	{ AFS_FS_MAGIC, "AFS", SERVED_ELSEWHERE },
	{ CODA_SUPER_MAGIC, "Coda", SERVED_ELSEWHERE },
	{ ECRYPTFS_SUPER_MAGIC, "eCryptfs", .checks_caller = true, .stacked = true },
	{ NTFS3_MAGIC, "NTFS", .checks_caller = true },

	{ PROC_SUPER_MAGIC, "proc", PSEUDO_OF_OTHERS, .proc = true },
	{ SYSFS_MAGIC, "sysfs", PSEUDO_OF_OTHERS },
	{ CGROUP_SUPER_MAGIC, "cgroup", PSEUDO_OF_OTHERS },
	{ CGROUP2_SUPER_MAGIC, "cgroup2", PSEUDO_OF_OTHERS },
	{ RESCTRL_MAGIC, "resctrl", PSEUDO_OF_OTHERS },
	{ DEBUGFS_MAGIC, "debugfs", PSEUDO },
	{ TRACEFS_MAGIC, "tracefs", PSEUDO },
	{ SECURITYFS_MAGIC, "securityfs", PSEUDO },
	{ SELINUX_MAGIC, "selinuxfs", PSEUDO },
	{ SMACK_MAGIC, "smackfs", PSEUDO },
	{ BPF_FS_MAGIC, "bpf", PSEUDO },
	{ CONFIGFS_MAGIC, "configfs", PSEUDO },
	{ EFIVARFS_MAGIC, "efivarfs", PSEUDO },
	{ PSTOREFS_MAGIC, "pstore", PSEUDO },
	{ BINFMTFS_MAGIC, "binfmt_misc", PSEUDO },
	{ FUSECTL_MAGIC, "fusectl", PSEUDO },
	{ XENFS_SUPER_MAGIC, "xenfs", PSEUDO },
	{ RPC_PIPEFS_MAGIC, "rpc_pipefs", PSEUDO },
	{ NFSD_MAGIC, "nfsd", PSEUDO },
	{ NSFS_MAGIC, "nsfs", PSEUDO },
	{ BINDERFS_SUPER_MAGIC, "binder", PSEUDO },
};

const struct fstype *fstype_find(uint64_t magic)
{
	static const struct fstype other = { .name = "unknown", .checks_caller = true };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].magic == magic)
			return &types[i];
	return &other;
}

const struct fstype *fstype_of(int fd)
{
	struct statfs st;

	return fstatfs(fd, &st) < 0 ? NULL : fstype_find((uint64_t)st.f_type);
}

bool fstype_is_pseudo(const char *name)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].pseudo && strcmp(types[i].name, name) == 0)
			return true;
	return false;
}
