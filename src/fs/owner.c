// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Passthrough on file systems that check the caller by user ID (NFS, SMB, ...).
 *
 * The kernel opens, reads and writes a backing file for all callers with the credentials of the
 * thread that registered it. Mostly the owner of a file has each permission that a caller has, so
 * the file is registered with the owner's credentials. For each open, the daemon first opens the
 * file as the caller, so that the client gets the error of the server, and then as the owner: if
 * the kernel's own open as the owner failed, the client would get EIO.
 *
 * No locks of its own: the locks of passthrough.c guard the lists.
 */
#include "fs/creds.h"
#include "fs/fs-private.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/fstype.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_faccessat2
#define SYS_faccessat2 439
#endif

/* The owner of a node's backing file. Not in struct node, because most nodes need none. */
struct owned {
	const struct node *node;
	struct file_owner owner;
	struct owned *next;
};

bool owned_find(const struct owned *list, const struct node *node, struct file_owner *ret_owner)
{
	while (list && list->node != node)
		list = list->next;
	if (list)
		*ret_owner = list->owner;
	return list;
}

int owned_set(struct owned **list, const struct node *node, const struct file_owner *owner)
{
	struct owned *owned;

	while (*list && (*list)->node != node)
		list = &(*list)->next;
	owned = *list;
	if (!owner && owned) {
		*list = owned->next;
		free(owned);
	} else if (owner) {
		if (!owned)
			owned = *list = calloc(1, sizeof(*owned));
		if (!owned)
			return -ENOMEM;
		owned->node = node;
		owned->owner = *owner;
	}
	return 0;
}

/* Opens the file of an O_PATH descriptor as its owner. Returns the descriptor or -errno. */
static int open_as(struct fs *fs, int fd, const struct file_owner *owner, int flags)
{
	_cleanup_(creds_leavep) struct creds_scope scope = CREDS_NONE;
	int r = creds_enter_owner(owner->uid, owner->gid, &scope);

	return r < 0 ? r : lower_openat(fs, AT_FDCWD, fd_path(fd).text, flags, 0);
}

bool owner_may(struct fs *fs, struct node *node, const struct file_owner *owner, int flags)
{
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	_cleanup_(fd_closep) int fd = -1;

	if (fdref_get(fs->fds, node, &ref) < 0)
		return false;
	fd = open_as(fs, ref.fd, owner, (flags & O_ACCMODE) | O_NONBLOCK);
	return fd >= 0;
}

/* Asks the remote server if the caller may execute the file. Returns 0 or -errno. */
static int may_execute(struct fs *fs, struct node *node, int fd)
{
	_cleanup_(creds_leavep) struct creds_scope scope = CREDS_NONE;
	int r = lower_enter(fs, node, &scope);

	if (r == 0 && syscall(SYS_faccessat2, fd, "", X_OK, AT_EMPTY_PATH | AT_EACCESS) < 0)
		r = -errno;
	return r;
}

int owner_open_program(struct fs *fs, struct node *node)
{
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	struct file_owner owner;
	struct statx stx;
	int r;

	r = fdref_get(fs->fds, node, &ref);
	if (r == 0)
		r = may_execute(fs, node, ref.fd);
	if (r == 0)
		r = lower_stat(ref.fd, &stx);
	if (r < 0)
		return r;
	owner = (struct file_owner){ stx.stx_uid, stx.stx_gid };
	return open_as(fs, ref.fd, &owner, O_RDONLY);
}

int fs_open_dir(int fd)
{
	_cleanup_(creds_leavep) struct creds_scope scope = CREDS_NONE;
	int opened = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = -errno;
	const struct fstype *type;
	struct statx stx;

	if (opened >= 0 || r != -EACCES)
		return opened >= 0 ? opened : r;
	/* The server may treat root as an unprivileged user. */
	type = fstype_of(fd);
	if (!type || !type->checks_ids)
		return r;
	r = lower_stat(fd, &stx);
	if (r == 0)
		r = creds_enter_owner(stx.stx_uid, stx.stx_gid, &scope);
	if (r < 0)
		return r;
	return fd_reopen(fd, O_RDONLY | O_DIRECTORY);
}
