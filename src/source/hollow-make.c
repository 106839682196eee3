// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Makes hollow files: a public function of the library. A regular file gets its name when it is
 * finished (O_TMPFILE). Other files, and regular ones on file systems without O_TMPFILE, are made
 * under a name that begins with FS_UNFINISHED, get their attributes, and are then renamed. Names
 * that a killed process leaves are removed by the next fill of the directory (fs/hollow.c). No
 * state but a counter.
 */
#include "fs/hollow.h"
#include "source/source.h"
#include "util/clock.h"
#include "util/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

static bool is_valid(const char *name, const struct pst_hollow *hollow)
{
	size_t len = strlen(name);

	if (hollow->size != sizeof(*hollow) || hollow->stx.stx_size > INT64_MAX ||
	    hollow->tag_len > PST_HOLLOW_TAG_MAX)
		return false;
	if (!len || len > NAME_MAX || strchr(name, '/') || strcmp(name, ".") == 0 ||
	    strcmp(name, "..") == 0)
		return false;
	if (strncmp(name, FS_UNFINISHED, strlen(FS_UNFINISHED)) == 0)
		return false;
	return !S_ISLNK(hollow->stx.stx_mode) || hollow->target;
}

/* A file that has no name yet, or one that begins with FS_UNFINISHED. */
struct unfinished {
	int fd;        /* owned; O_PATH unless the file becomes hollow */
	char name[64]; /* "": none */
};

static dev_t device_of(const struct pst_hollow *hollow)
{
	return makedev(hollow->stx.stx_rdev_major, hollow->stx.stx_rdev_minor);
}

/*
 * Returns true if a file that was just opened by its name is the one that was made. The owner of
 * the directory may have put another in its place, an older one or one of another type, to become
 * its owner. A directory that is as new is hollow already, and make_hollow() fails.
 */
static bool is_made(const struct unfinished *file, const struct pst_hollow *hollow,
		    const struct timespec *began)
{
	struct statx stx;

	if (statx(file->fd, "", AT_EMPTY_PATH, STATX_TYPE | STATX_BTIME, &stx) < 0 ||
	    ((stx.stx_mode ^ hollow->stx.stx_mode) & S_IFMT))
		return false;
	if ((S_ISCHR(hollow->stx.stx_mode) || S_ISBLK(hollow->stx.stx_mode)) &&
	    makedev(stx.stx_rdev_major, stx.stx_rdev_minor) != device_of(hollow))
		return false;
	return !(stx.stx_mask & STATX_BTIME) || stx.stx_btime.tv_sec > began->tv_sec ||
	       (stx.stx_btime.tv_sec == began->tv_sec && stx.stx_btime.tv_nsec >= began->tv_nsec);
}

/*
 * Makes a file under a name of its own. Returns 0, -EBUSY if another process has replaced it, or
 * -errno.
 */
static int make_named(int dir_fd, const struct pst_hollow *hollow, struct unfinished *file)
{
	static _Atomic unsigned int number;
	int flags = O_CLOEXEC | O_NOFOLLOW, r = 0;
	struct timespec began;

	/* File systems take birth times from this clock, which advances at ticks only. */
	clock_gettime(CLOCK_REALTIME_COARSE, &began);
	snprintf(file->name, sizeof(file->name), FS_UNFINISHED "%d-%u-%llx", getpid(), number++,
		 (unsigned long long)clock_ns());
	if (S_ISREG(hollow->stx.stx_mode))
		flags |= O_RDWR | O_CREAT | O_EXCL;
	else if (S_ISDIR(hollow->stx.stx_mode))
		flags |= O_RDONLY | O_DIRECTORY;
	else
		flags |= O_PATH;
	if (S_ISDIR(hollow->stx.stx_mode))
		r = mkdirat(dir_fd, file->name, hollow->stx.stx_mode & 0777);
	else if (S_ISLNK(hollow->stx.stx_mode))
		r = symlinkat(hollow->target, dir_fd, file->name);
	else if (!S_ISREG(hollow->stx.stx_mode))
		r = mknodat(dir_fd, file->name, hollow->stx.stx_mode & (S_IFMT | 0600),
			    device_of(hollow));
	if (r == 0)
		file->fd = openat(dir_fd, file->name, flags, hollow->stx.stx_mode & 0777);
	if (file->fd < 0)
		return -errno;
	return S_ISREG(hollow->stx.stx_mode) || is_made(file, hollow, &began) ? 0 : -EBUSY;
}

/* Makes the file. Returns 0 or -errno. */
static int make(int dir_fd, const struct pst_hollow *hollow, struct unfinished *file)
{
	if (S_ISREG(hollow->stx.stx_mode)) {
		file->fd = openat(dir_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC,
				  hollow->stx.stx_mode & 0777);
		if (file->fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
			return file->fd < 0 ? -errno : 0;
	}
	return make_named(dir_fd, hollow, file);
}

/* Sets the size and the mark of a file that becomes hollow. */
static int make_hollow(int fd, const struct pst_hollow *hollow)
{
	if (S_ISREG(hollow->stx.stx_mode) && ftruncate(fd, (off_t)hollow->stx.stx_size) < 0)
		return -errno;
	if (S_ISREG(hollow->stx.stx_mode) ? !hollow->stx.stx_size : !S_ISDIR(hollow->stx.stx_mode))
		return 0;
	return fsetxattr(fd, PST_HOLLOW, hollow->tag, hollow->tag_len, XATTR_CREATE) < 0 ? -errno :
											   0;
}

static struct timespec time_of(struct statx_timestamp time)
{
	return (struct timespec){ .tv_sec = time.tv_sec, .tv_nsec = time.tv_nsec };
}

/* Sets owner, permissions and times; each change is a transaction of the lower file system. */
static int set_attributes(int fd, const struct pst_hollow *hollow)
{
	struct timespec times[2] = { time_of(hollow->stx.stx_atime),
				     time_of(hollow->stx.stx_mtime) };
	mode_t mode = hollow->stx.stx_mode & 07777;
	struct stat st;
	int r = 0;

	if (!times[0].tv_sec && !times[0].tv_nsec)
		times[0] = times[1];
	if (fstat(fd, &st) < 0)
		return -errno;
	/* Before chmod(2), because chown(2) clears set-ID bits. */
	if (st.st_uid != hollow->stx.stx_uid || st.st_gid != hollow->stx.stx_gid)
		r = fchownat(fd, "", hollow->stx.stx_uid, hollow->stx.stx_gid, AT_EMPTY_PATH);
	if (r == 0 && (S_ISREG(hollow->stx.stx_mode) || S_ISDIR(hollow->stx.stx_mode)))
		r = (st.st_mode & 07777) == mode ? 0 : fchmod(fd, mode);
	else if (r == 0 && !S_ISLNK(hollow->stx.stx_mode))
		r = chmod(fd_path(fd).text, mode);
	if (r == 0)
		r = (int)syscall(SYS_utimensat, fd, "", times, AT_EMPTY_PATH);
	return r < 0 ? -errno : 0;
}

/* Gives the finished file its name. Returns 0 or -errno. */
static int finish(int dir_fd, const char *name, const struct unfinished *file)
{
	int r = file->name[0] ?
			renameat2(dir_fd, file->name, dir_fd, name, RENAME_NOREPLACE) :
			linkat(AT_FDCWD, fd_path(file->fd).text, dir_fd, name, AT_SYMLINK_FOLLOW);

	return r < 0 ? -errno : 0;
}

int pst_hollow_make(int dir_fd, const char *name, const struct pst_hollow *hollow)
{
	struct unfinished file = { .fd = -1 };
	struct stat st;
	int r;

	if (!is_valid(name, hollow))
		return -EINVAL;
	if (fstat(dir_fd, &st) < 0)
		return -errno;
	if (source_is_view(st.st_dev))
		return -EDEADLK;
	r = make(dir_fd, hollow, &file);
	if (r == 0)
		r = make_hollow(file.fd, hollow);
	if (r == 0)
		r = set_attributes(file.fd, hollow);
	if (r == 0)
		r = finish(dir_fd, name, &file);
	if (r < 0 && file.name[0])
		unlinkat(dir_fd, file.name, S_ISDIR(hollow->stx.stx_mode) ? AT_REMOVEDIR : 0);
	fd_close(file.fd);
	return r;
}
