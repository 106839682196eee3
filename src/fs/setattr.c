// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Reads and changes the attributes of a file; reads symbolic links and the state of the file
 * system; syncs it. No state, no locks.
 */
#include "fs/creds.h"
#include "fs/fs-private.h"
#include "util/cleanup.h"
#include "util/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

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
	watch_before_read(fs, node, fd);
	r = lower_stat_as_caller(fs, node, fd, &attr.stx);
	if (r == 0)
		r = attr_complete(fs, node, &attr, REPLY_GETATTR);
	if (r == 0)
		*ret_attr = attr;
	return r;
}

/*
 * Carries out a SETATTR that sets nothing. The kernel sends it before a write that has to clear
 * set-ID bits, or because a process has called chown(-1, -1), which any process may do. It is the
 * first only if the file is open for writing and has bits that a write by the caller clears.
 */
static int change_nothing(struct fs *fs, const struct fs_caller *caller, struct node *node, int fd)
{
	_cleanup_(creds_leavep) struct creds_scope scope = CREDS_NONE;
	struct statx stx;
	uint32_t kill;
	int r;

	r = authority_stat(fs, node, fd, &stx);
	if (r < 0)
		return r;
	/*
	 * If the lower file system checks the caller, the write runs as the caller and clears the
	 * bits itself. The error is ignored, because a caller who may not chown may still write.
	 */
	if (lower_checks_caller(fs, node) && node->n_writers) {
		fchownat(fd, "", (uid_t)-1, (gid_t)-1, AT_EMPTY_PATH);
		return 0;
	}
	kill = caller_bits_to_kill(caller, &stx);
	if (kill && node->n_writers)
		return lower_chmod(fd, stx.stx_mode & ~kill);
	if (caller->unknown)
		return 0;
	r = creds_enter_writer(caller, kill && caller->uid == 0, stx.stx_mode, stx.stx_gid, &scope);
	if (r < 0)
		return r;
	return fchownat(fd, "", (uid_t)-1, (gid_t)-1, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

static int change_owner(const struct fs_caller *caller, int fd, const struct fs_change *change)
{
	_cleanup_(creds_leavep) struct creds_scope scope = CREDS_NONE;
	uid_t uid = change->set & FS_SET_UID ? change->uid : (uid_t)-1;
	gid_t gid = change->set & FS_SET_GID ? change->gid : (gid_t)-1;
	struct statx stx;
	int r;

	/* chown(2) by a member of the group leaves the set-group-ID bit: so act as no member. */
	if (change->set & FS_KILL_SUIDGID) {
		r = lower_stat(fd, &stx);
		if (r < 0)
			return r;
		if ((stx.stx_mode & (S_ISGID | S_IXGRP)) == S_ISGID &&
		    !caller_capable(caller, CAP_FSETID) && !caller_in_group(caller, stx.stx_gid))
			r = creds_enter_stranger(&scope);
		if (r < 0)
			return r;
	}
	return fchownat(fd, "", uid, gid, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

/* Truncates a file. handle_fd is the descriptor of a handle that is open for writing, or -1. */
static int change_size(const struct fs_caller *caller, struct node *node, int handle_fd, int fd,
		       const struct fs_change *change)
{
	_cleanup_(creds_leavep) struct creds_scope scope = CREDS_NONE;
	uint32_t hidden = set_id_hidden(node);
	bool kill = change->set & FS_KILL_SUIDGID;
	struct statx stx;
	int r;

	if (change->size > INT64_MAX)
		return -EFBIG;
	if (caller->uid != 0 || kill || hidden) {
		r = lower_stat(fd, &stx);
		if (r == 0)
			r = creds_enter_writer(caller, kill || (stx.stx_mode & hidden),
					       stx.stx_mode, stx.stx_gid, &scope);
		if (r < 0)
			return r;
	}
	if (handle_fd >= 0)
		r = ftruncate(handle_fd, (off_t)change->size);
	else
		r = truncate(fd_path(fd).text, (off_t)change->size);
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

/*
 * Returns true if the change of size has set the times already. The kernel sends both for one
 * truncate(2), and the client may lack the permission to set times: a second change would fail.
 */
static bool size_set_times(struct fs *fs, struct node *node, const struct fs_change *change)
{
	return (change->set & FS_SET_SIZE) && lower_checks_caller(fs, node) &&
	       (!(change->set & FS_SET_ATIME) || change->times[0].tv_nsec == UTIME_NOW) &&
	       (!(change->set & FS_SET_MTIME) || change->times[1].tv_nsec == UTIME_NOW);
}

static int apply(struct fs *fs, const struct fs_caller *caller, struct node *node, int handle_fd,
		 int fd, const struct fs_change *change)
{
	int r = 0;

	if (change->set == 0)
		return change_nothing(fs, caller, node, fd);
	/* Changing the owner clears set-ID bits, so the mode is changed after it. */
	if (change->set & (FS_SET_UID | FS_SET_GID))
		r = change_owner(caller, fd, change);
	if (r == 0 && (change->set & FS_SET_SIZE))
		r = change_size(caller, node, handle_fd, fd, change);
	if (r == 0 && (change->set & FS_SET_MODE))
		r = lower_chmod(fd, change->mode);
	if (r == 0 && (change->set & (FS_SET_ATIME | FS_SET_MTIME)) &&
	    !size_set_times(fs, node, change))
		r = change_times(fd, change);
	return r;
}

/*
 * Applies a change, with the caller's identity if the lower file system checks the caller. Gets the
 * handle's descriptor before, because opening it may take a capability that the caller lacks.
 */
static int apply_as_caller(struct fs *fs, const struct fs_caller *caller, struct node *node,
			   struct handle *handle, int fd, const struct fs_change *change)
{
	_cleanup_(creds_leavep) struct creds_scope scope = CREDS_NONE;
	int handle_fd = -1, r;

	if (handle && (change->set & FS_SET_SIZE) && (handle->flags & O_ACCMODE) != O_RDONLY)
		handle_fd = lower_of_handle(fs, handle);
	r = lower_enter(fs, node, &scope);
	return r < 0 ? r : apply(fs, caller, node, handle_fd, fd, change);
}

/*
 * Returns FS_WOULD_WAIT if the change of size could wait for the holder of a lease and this thread
 * may not wait; else 0. fs_setattr() calls it before it changes anything.
 */
static int may_change_size(struct fs *fs, struct handle *handle)
{
	if (lower_may_wait())
		return 0;
	/* truncate(2) has no flag against waiting. */
	if (!handle || (handle->flags & O_ACCMODE) == O_RDONLY)
		return FS_WOULD_WAIT;
	return lower_of_handle(fs, handle) < 0 ? FS_WOULD_WAIT : 0;
}

int fs_setattr(struct fs *fs, const struct fs_caller *caller, struct node *node,
	       struct handle *handle, const struct fs_change *change, struct fs_attr *ret_attr)
{
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	struct fs_change below = *change;
	bool one = !(change->set & (change->set - 1));
	struct fs_attr attr;
	int r;

	r = change->set & FS_SET_SIZE ? may_change_size(fs, handle) : 0;
	if (r == 0)
		r = fdref_get(fs->fds, node, &ref);
	if (r < 0)
		return r;
	r = set_id_keep(node, ref.fd, &below);
	if (r == 0)
		r = authority_change(fs, caller, node, ref.fd, &below);
	if (r == 0)
		r = apply_as_caller(fs, caller, node, handle, ref.fd, &below);
	if (r < 0 && one)
		return r;
	/* If a change of several fields fails, some of them may have changed. */
	if (r >= 0)
		r = lower_stat_as_caller(fs, node, ref.fd, &attr.stx);
	if (r == 0)
		r = attr_complete(fs, node, &attr, REPLY_SETATTR);
	if (r < 0)
		fs_invalidate(fs, node, NULL);
	else
		*ret_attr = attr;
	return r;
}

int fs_readlink(struct fs *fs, struct node *node, char *buf, size_t size)
{
	_cleanup_(creds_leavep) struct creds_scope scope = CREDS_NONE;
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	ssize_t n;
	int r;

	r = fdref_get(fs->fds, node, &ref);
	if (r == 0)
		r = lower_enter(fs, node, &scope);
	if (r < 0)
		return r;
	n = readlinkat(ref.fd, "", buf, size);
	return n < 0 ? -errno : (int)n;
}

int fs_statfs(struct fs *fs, struct node *node, struct statvfs *ret_st)
{
	_cleanup_(creds_leavep) struct creds_scope scope = CREDS_NONE;
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	int r;

	r = fdref_get(fs->fds, node_has_no_lower(node) ? fs->root : node, &ref);
	if (r == 0)
		r = lower_enter(fs, node, &scope);
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
	fd = lower_openat(fs, ref.fd, ".", O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return fd;
	return syncfs(fd) < 0 ? -errno : 0;
}
