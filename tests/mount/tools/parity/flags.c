// SPDX-License-Identifier: LGPL-2.1-or-later
/* Inode flags and similar ioctls, which lsattr, chattr and xfs_io use. */
#include <linux/fs.h>
#include <sys/ioctl.h>

#include "parity.h"

/* All flags except those that the file system manages itself (extents, inline data, indexed). */
#define SHOWN                                                                                      \
	(FS_IMMUTABLE_FL | FS_APPEND_FL | FS_NODUMP_FL | FS_NOATIME_FL | FS_SYNC_FL |              \
	 FS_DIRSYNC_FL | FS_TOPDIR_FL | FS_PROJINHERIT_FL | FS_NOCOW_FL | FS_COMPR_FL)

static void note_flags(struct side *s, const char *name)
{
	int flags = 0, fd = openat(s->dir, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
		note(s, "flags of %s = %s", name, strerrorname_np(errno));
	else
		note(s, "flags of %s: %x", name, flags & SHOWN);
	close(fd);
}

static int change(struct side *s, const char *name, int set, int clear)
{
	int flags = 0, fd = openat(s->dir, name, O_RDONLY | O_CLOEXEC);
	int r = ioctl(fd, FS_IOC_GETFLAGS, &flags);

	if (r == 0) {
		flags = (flags | set) & ~clear;
		r = ioctl(fd, FS_IOC_SETFLAGS, &flags);
	}
	int error = errno;
	close(fd);
	errno = error;
	return r;
}

static void get_and_set(struct side *s)
{
	static const int bits[] = { FS_NODUMP_FL, FS_NOATIME_FL, FS_SYNC_FL, FS_DIRSYNC_FL };

	put(s, "f", "x");
	MUST(mkdirat(s->dir, "d", 0755) == 0);
	note_flags(s, "f");
	note_flags(s, "d");
	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
		DO(s, change(s, "f", bits[i], 0));
		note_flags(s, "f");
		DO(s, change(s, "d", bits[i], 0));
		note_flags(s, "d");
		DO(s, change(s, "f", 0, bits[i]));
		note_flags(s, "f");
	}
}

static void immutable(struct side *s)
{
	put(s, "f", "text");
	int fd = openat(s->dir, "f", O_RDWR);
	DO(s, change(s, "f", FS_IMMUTABLE_FL, 0));
	note_flags(s, "f");
	DO(s, unlinkat(s->dir, "f", 0));
	DO(s, renameat(s->dir, "f", s->dir, "g"));
	DO(s, linkat(s->dir, "f", s->dir, "g", 0));
	DO(s, fchmodat(s->dir, "f", 0600, 0));
	DO(s, fchownat(s->dir, "f", 1, 1, 0));
	DO(s, utimensat(s->dir, "f", NULL, 0));
	DO(s, truncate("f", 0));
	close(FD(s, openat(s->dir, "f", O_WRONLY)));
	close(FD(s, openat(s->dir, "f", O_RDONLY)));
	DO(s, pwrite(fd, "X", 1, 0));
	DO(s, change(s, "f", 0, FS_IMMUTABLE_FL));
	DO(s, unlinkat(s->dir, "f", 0));
}

static void immutable_directory(struct side *s)
{
	MUST(mkdirat(s->dir, "d", 0755) == 0);
	put(s, "d/f", "x");
	DO(s, change(s, "d", FS_IMMUTABLE_FL, 0));
	close(FD(s, openat(s->dir, "d/g", O_CREAT | O_RDWR, 0644)));
	DO(s, mkdirat(s->dir, "d/e", 0755));
	DO(s, unlinkat(s->dir, "d/f", 0));
	DO(s, renameat(s->dir, "d/f", s->dir, "f"));
	put(s, "d/f", "still writable");
	note_content(s, "d/f");
	DO(s, change(s, "d", 0, FS_IMMUTABLE_FL));
	DO(s, unlinkat(s->dir, "d/f", 0));
}

static void append_only(struct side *s)
{
	put(s, "f", "text");
	DO(s, change(s, "f", FS_APPEND_FL, 0));
	close(FD(s, openat(s->dir, "f", O_WRONLY)));
	close(FD(s, openat(s->dir, "f", O_WRONLY | O_TRUNC)));
	int fd = FD(s, openat(s->dir, "f", O_WRONLY | O_APPEND));
	DO(s, write(fd, " more", 5));
	DO(s, ftruncate(fd, 0));
	DO(s, truncate("f", 0));
	DO(s, fchmodat(s->dir, "f", 0600, 0));
	DO(s, unlinkat(s->dir, "f", 0));
	note_content(s, "f");
	DO(s, change(s, "f", 0, FS_APPEND_FL));
	DO(s, unlinkat(s->dir, "f", 0));
}

/* The permission of the caller counts, not that of the process that makes the ioctl. */
static void by_others(struct side *s)
{
	put_mode(s, "own", 1, 0644, 1000, 1000);
	put_mode(s, "foreign", 1, 0666, 1001, 1001);
	become(1000, 1000, 0);
	DO(s, change(s, "own", FS_NODUMP_FL, 0));
	DO(s, change(s, "own", FS_NOATIME_FL, 0));
	DO(s, change(s, "own", FS_IMMUTABLE_FL, 0));
	DO(s, change(s, "own", FS_APPEND_FL, 0));
	DO(s, change(s, "foreign", FS_NODUMP_FL, 0));
	DO(s, change(s, "foreign", FS_IMMUTABLE_FL, 0));
	note_flags(s, "own");
	note_flags(s, "foreign");
	become_root();
	MUST(change(s, "own", FS_IMMUTABLE_FL, 0) == 0);
	become(1000, 1000, 0);
	DO(s, change(s, "own", 0, FS_IMMUTABLE_FL));
	become_root();
	DO(s, change(s, "own", 0, FS_IMMUTABLE_FL));
}

static void extended(struct side *s)
{
	struct fsxattr x = {};

	put_mode(s, "f", 1, 0666, 1000, 1000);
	MUST(mkdirat(s->dir, "d", 0755) == 0);
	int fd = openat(s->dir, "f", O_RDWR), d = openat(s->dir, "d", O_RDONLY);
	DO(s, ioctl(fd, FS_IOC_FSGETXATTR, &x));
	note(s, "xflags %x, project %u, extent size %u", x.fsx_xflags, x.fsx_projid, x.fsx_extsize);
	x.fsx_xflags |= FS_XFLAG_NODUMP;
	DO(s, ioctl(fd, FS_IOC_FSSETXATTR, &x));
	DO(s, ioctl(fd, FS_IOC_FSGETXATTR, &x));
	note(s, "xflags %x", x.fsx_xflags);
	note_flags(s, "f");
	x.fsx_projid = 42;
	DO(s, ioctl(fd, FS_IOC_FSSETXATTR, &x) < 0 ? errno : 0);
	DO(s, ioctl(fd, FS_IOC_FSGETXATTR, &x));
	note(s, "project %u", x.fsx_projid);
	DO(s, ioctl(d, FS_IOC_FSGETXATTR, &x));
	become(1001, 1001, 0);
	x.fsx_xflags = FS_XFLAG_NODUMP | FS_XFLAG_IMMUTABLE;
	DO(s, ioctl(fd, FS_IOC_FSSETXATTR, &x));
	DO(s, ioctl(fd, FS_IOC_FSGETXATTR, &x));
}

static void generation(struct side *s)
{
	struct stat st;
	/* The command is defined with a long, which FUSE fills; other file systems fill an int. */
	long version = 77, below = 78;

	put(s, "f", "x");
	int fd = openat(s->dir, "f", O_RDONLY);
	DO(s, ioctl(fd, FS_IOC_GETVERSION, &version));
	MUST(fstat(fd, &st) == 0);
	int b = openat(s->below, "f", O_RDONLY);
	note(s, "as below: %d", ioctl(b, FS_IOC_GETVERSION, &below) == 0 ? version == below : -1);
}

static void unknown(struct side *s)
{
	int n = 0;

	put(s, "f", "0123456789");
	int fd = openat(s->dir, "f", O_RDONLY), d = openat(s->dir, ".", O_RDONLY);
	DO(s, ioctl(fd, _IO('x', 250), &n));
	DO(s, ioctl(fd, _IOR('x', 251, int), &n));
	DO(s, ioctl(fd, _IOWR('x', 252, char[2000]), &n));
	DO(s, ioctl(d, _IO('x', 250), &n));
	DO(s, ioctl(fd, 0x5401 /* TCGETS */, &n));
	DO(s, ioctl(fd, FIONREAD, &n));
	note(s, "%d to read", n);
	DO(s, ioctl(fd, FIGETBSZ, &n));
	note(s, "block %d", n);
}

static const struct scenario scenarios[] = {
	{ "get-and-set", get_and_set, 0 },
	{ "immutable", immutable, 0 },
	{ "immutable-directory", immutable_directory, 0 },
	{ "append-only", append_only, 0 },
	{ "by-others", by_others, 0 },
	{ "extended", extended, 0 },
	{ "generation", generation, 0 },
	{ "unknown", unknown, 0 },
	{},
};
const struct scenario_group group_flags = { "flags", scenarios };
