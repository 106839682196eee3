// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Makes hollow files: a public function of the library. Each file is made under a name that begins
 * with FS_UNFINISHED, gets its attributes, and is then renamed. Names that a killed process leaves
 * are removed by the next fill of the directory (fs/hollow.c). No state but a counter.
 */
#include "fs/hollow.h"
#include "source/source.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

static bool is_valid(const char *name, const struct pst_hollow *hollow)
{
	size_t len = strlen(name);

	if (hollow->size != sizeof(*hollow) || hollow->length > INT64_MAX ||
	    hollow->tag_len > PST_HOLLOW_TAG_MAX)
		return false;
	if (!len || len > NAME_MAX || strchr(name, '/') || strcmp(name, ".") == 0 ||
	    strcmp(name, "..") == 0)
		return false;
	if (strncmp(name, FS_UNFINISHED, strlen(FS_UNFINISHED)) == 0)
		return false;
	return !S_ISLNK(hollow->mode) || hollow->target;
}

/* Makes the file, and returns its descriptor, which is O_PATH unless the file becomes hollow. */
static int make(int dir_fd, const char *name, const struct pst_hollow *hollow)
{
	int flags = O_CLOEXEC | O_NOFOLLOW, r = 0, fd;

	if (S_ISREG(hollow->mode))
		flags |= O_RDWR | O_CREAT | O_EXCL;
	else if (S_ISDIR(hollow->mode))
		flags |= O_RDONLY | O_DIRECTORY;
	else
		flags |= O_PATH;
	if (S_ISDIR(hollow->mode))
		r = mkdirat(dir_fd, name, 0700);
	else if (S_ISLNK(hollow->mode))
		r = symlinkat(hollow->target, dir_fd, name);
	else if (!S_ISREG(hollow->mode))
		r = mknodat(dir_fd, name, hollow->mode & (S_IFMT | 0600), hollow->rdev);
	fd = r < 0 ? -1 : openat(dir_fd, name, flags, 0600);
	return fd < 0 ? -errno : fd;
}

/* Sets the size and the mark of a file that becomes hollow. */
static int make_hollow(int fd, const struct pst_hollow *hollow)
{
	if (S_ISREG(hollow->mode) && ftruncate(fd, (off_t)hollow->length) < 0)
		return -errno;
	if (S_ISREG(hollow->mode) ? !hollow->length : !S_ISDIR(hollow->mode))
		return 0;
	return fsetxattr(fd, PST_HOLLOW, hollow->tag, hollow->tag_len, XATTR_CREATE) < 0 ? -errno :
											   0;
}

static int set_attributes(int fd, const struct pst_hollow *hollow)
{
	struct timespec times[2] = { hollow->atime, hollow->mtime };

	if (!times[0].tv_sec && !times[0].tv_nsec)
		times[0] = times[1];
	if (fchownat(fd, "", hollow->uid, hollow->gid, AT_EMPTY_PATH) < 0)
		return -errno;
	/* After chown(2), which clears set-ID bits. */
	if (!S_ISLNK(hollow->mode) && chmod(fd_path(fd).text, hollow->mode & 07777) < 0)
		return -errno;
	return syscall(SYS_utimensat, fd, "", times, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

int pst_hollow_make(int dir_fd, const char *name, const struct pst_hollow *hollow)
{
	static _Atomic unsigned int number;
	_cleanup_(fd_closep) int fd = -1;
	char unfinished[64];
	struct stat st;
	int r;

	if (!is_valid(name, hollow))
		return -EINVAL;
	if (fstat(dir_fd, &st) < 0)
		return -errno;
	if (source_is_view(st.st_dev))
		return -EDEADLK;
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return -EEXIST;
	snprintf(unfinished, sizeof(unfinished), FS_UNFINISHED "%d-%u-%llx", getpid(), number++,
		 (unsigned long long)clock_ns());
	fd = make(dir_fd, unfinished, hollow);
	r = fd < 0 ? fd : make_hollow(fd, hollow);
	if (r == 0)
		r = set_attributes(fd, hollow);
	if (r == 0 && renameat2(dir_fd, unfinished, dir_fd, name, RENAME_NOREPLACE) < 0)
		r = -errno;
	if (r < 0)
		unlinkat(dir_fd, unfinished, S_ISDIR(hollow->mode) ? AT_REMOVEDIR : 0);
	return r;
}
