/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Attributes of one file: read, changed; the text of a link; the state of the file system. */
#include "fs/creds.h"
#include "fs/fs-private.h"
#include "util/cleanup.h"
#include "util/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

int fs_getattr(struct fs *fs, struct node *node, struct handle *handle, struct fs_attr *ret_attr)
{
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	int fd = handle ? handle->fd : -1;
	struct fs_attr attr;
	int r;

	if (fd < 0) {
		r = fdref_get(fs->fds, node, &ref);
		if (r < 0)
			return r;
		fd = ref.fd;
	}
	r = attr_read_fd(fd, &attr.stx);
	if (r < 0)
		return r;
	attr_answer(fs, node, &attr);
	*ret_attr = attr;
	return 0;
}

/* chmod through a descriptor opened with O_PATH: one call since Linux 6.6, by way of /proc before. */
int meta_change_mode(int fd, uint32_t mode)
{
	if (syscall(SYS_fchmodat2, fd, "", mode & 07777, AT_EMPTY_PATH) == 0)
		return 0;
	if (errno != ENOSYS)
		return -errno;
	return chmod(fd_path(fd).text, mode & 07777) < 0 ? -errno : 0;
}

/*
 * Clears what a write by somebody without CAP_FSETID clears: the kernel has decided that something
 * has to be, and tells us by a SETATTR that sets nothing. The set-group-ID bit of a file that its
 * group cannot execute stays for members of the group; so where it is alone, it is what has to go,
 * and next to a set-user-ID bit it goes unless the caller's group is the file's.
 */
static int kill_suidgid(int fd, const struct fs_caller *caller)
{
	struct statx stx;
	uint32_t mode;
	int r;

	r = attr_read_fd(fd, &stx);
	if (r < 0)
		return r;
	mode = stx.stx_mode & ~(uint32_t)S_ISUID;
	if ((mode & S_IXGRP) || !(stx.stx_mode & S_ISUID) || caller->gid != stx.stx_gid)
		mode &= ~(uint32_t)S_ISGID;
	return mode == stx.stx_mode ? 0 : meta_change_mode(fd, mode);
}

static int change_size(struct fs *fs, struct handle *handle, int fd, uint64_t size, bool kill)
{
	_cleanup_(creds_leavep) struct creds_scope scope = CREDS_NONE;
	int handle_fd = -1, r;

	if (size > INT64_MAX)
		return -EFBIG;
	if (handle && (handle->flags & O_ACCMODE) != O_RDONLY)
		handle_fd = handle_lower(fs, handle);
	if (kill) {
		r = creds_enter_killing(&scope);
		if (r < 0)
			return r;
	}
	if (handle_fd >= 0)
		r = ftruncate(handle_fd, (off_t)size);
	else
		r = truncate(fd_path(fd).text, (off_t)size);
	return r < 0 ? -errno : 0;
}

static int change_times(int fd, const struct fs_change *change)
{
	struct timespec times[2] = { change->times[0], change->times[1] };

	if (!(change->set & FS_SET_ATIME))
		times[0].tv_nsec = UTIME_OMIT;
	if (!(change->set & FS_SET_MTIME))
		times[1].tv_nsec = UTIME_OMIT;
	if (syscall(SYS_utimensat, fd, "", times, AT_EMPTY_PATH) == 0)
		return 0;
	return -errno;
}

static int apply(struct fs *fs, const struct fs_caller *caller, struct handle *handle, int fd,
		 const struct fs_change *change)
{
	int r;

	/* Changing the owner clears set-user-ID bits by itself, so the mode comes after it. */
	if (change->set & (FS_SET_UID | FS_SET_GID)) {
		uid_t uid = change->set & FS_SET_UID ? change->uid : (uid_t)-1;
		gid_t gid = change->set & FS_SET_GID ? change->gid : (gid_t)-1;

		if (fchownat(fd, "", uid, gid, AT_EMPTY_PATH) < 0)
			return -errno;
	}
	if (change->set & FS_SET_SIZE) {
		r = change_size(fs, handle, fd, change->size, change->set & FS_KILL_SUIDGID);
		if (r < 0)
			return r;
	}
	if (change->set & FS_SET_MODE) {
		r = meta_change_mode(fd, change->mode);
		if (r < 0)
			return r;
	}
	if (change->set & (FS_SET_ATIME | FS_SET_MTIME)) {
		r = change_times(fd, change);
		if (r < 0)
			return r;
	}
	if (change->set == FS_KILL_SUIDGID)
		return kill_suidgid(fd, caller);
	return 0;
}

int fs_setattr(struct fs *fs, const struct fs_caller *caller, struct node *node,
	       struct handle *handle, const struct fs_change *change, struct fs_attr *ret_attr)
{
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	struct fs_attr attr;
	int r;

	r = fdref_get(fs->fds, node, &ref);
	if (r < 0)
		return r;
	r = apply(fs, caller, handle, ref.fd, change);
	if (r < 0)
		return r;
	r = attr_read_fd(ref.fd, &attr.stx);
	if (r < 0)
		return r;
	attr_answer(fs, node, &attr);
	*ret_attr = attr;
	return 0;
}

int fs_readlink(struct fs *fs, struct node *node, char *buf, size_t size)
{
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	ssize_t n;
	int r;

	r = fdref_get(fs->fds, node, &ref);
	if (r < 0)
		return r;
	n = readlinkat(ref.fd, "", buf, size);
	return n < 0 ? -errno : (int)n;
}

int fs_statfs(struct fs *fs, struct node *node, struct statvfs *ret_st)
{
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	int r;

	r = fdref_get(fs->fds, node, &ref);
	if (r < 0)
		return r;
	return fstatvfs(ref.fd, ret_st) < 0 ? -errno : 0;
}

int fs_syncfs(struct fs *fs, struct node *node)
{
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	_cleanup_(fd_closep) int fd = -1;
	int r;

	r = fdref_get(fs->fds, node, &ref);
	if (r < 0)
		return r;
	fd = openat(ref.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return syncfs(fd) < 0 ? -errno : 0;
}
