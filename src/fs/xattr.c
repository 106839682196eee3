/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Extended attributes, reached by way of /proc/self/fd: neither fgetxattr(2) nor getxattrat(2) with
 * AT_EMPTY_PATH takes an O_PATH descriptor. The way leads to the file itself, also when that is a
 * symbolic link.
 */
#include "fs/fs-private.h"
#include "util/cleanup.h"
#include "util/fd.h"

#include <errno.h>
#include <linux/limits.h>
#include <string.h>
#include <sys/xattr.h>

static ssize_t list(int fd, char *buf, size_t size)
{
	ssize_t n = listxattr(fd_path(fd).text, buf, size);

	return n < 0 ? -errno : n;
}

int fs_getxattr(struct fs *fs, struct node *node, const char *name, char *buf, size_t size)
{
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	ssize_t n;
	int r;

	r = fdref_get(fs->fds, node, &ref);
	if (r < 0)
		return r;
	n = getxattr(fd_path(ref.fd).text, name, buf, size);
	if (n >= 0)
		return (int)n;
	/* The kernel asks when it checks permissions, and would fail the check itself: there is none. */
	if (errno == EOPNOTSUPP && strncmp(name, "system.posix_acl_", 17) == 0)
		return -ENODATA;
	return -errno;
}

/* Takes out the names that an ordinary user does not see natively. Returns the new length. */
static size_t without_trusted(char *names, size_t len)
{
	size_t kept = 0;

	for (size_t at = 0; at < len;) {
		size_t n = strnlen(names + at, len - at) + 1;

		if (strncmp(names + at, "trusted.", 8) != 0) {
			memmove(names + kept, names + at, n);
			kept += n;
		}
		at += n;
	}
	return kept;
}

int fs_listxattr(struct fs *fs, const struct fs_caller *caller, struct node *node, char *buf,
		 size_t size)
{
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	_cleanup_(freep) char *names = NULL;
	ssize_t n;
	int r;

	r = fdref_get(fs->fds, node, &ref);
	if (r < 0)
		return r;
	if (caller->uid == 0)
		return (int)list(ref.fd, buf, size);
	names = malloc(XATTR_LIST_MAX);
	if (!names)
		return -ENOMEM;
	n = list(ref.fd, names, XATTR_LIST_MAX);
	if (n <= 0)
		return (int)n;
	n = (ssize_t)without_trusted(names, (size_t)n);
	if (size == 0)
		return (int)n;
	if ((size_t)n > size)
		return -ERANGE;
	memcpy(buf, names, (size_t)n);
	return (int)n;
}

int fs_setxattr(struct fs *fs, struct node *node, const char *name, const void *value, size_t size,
		int flags, bool kill_sgid)
{
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	int r;

	r = fdref_get(fs->fds, node, &ref);
	if (r < 0)
		return r;
	r = setxattr(fd_path(ref.fd).text, name, value, size, flags) < 0 ? -errno : 0;
	/* An ACL set by somebody outside the file's group: the kernel leaves the bit to us. */
	if (r == 0 && kill_sgid) {
		struct statx stx;

		r = attr_read_fd(ref.fd, &stx);
		if (r == 0 && (stx.stx_mode & S_ISGID))
			r = meta_change_mode(ref.fd, stx.stx_mode & ~(uint32_t)S_ISGID);
	}
	return r;
}

int fs_removexattr(struct fs *fs, struct node *node, const char *name)
{
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	int r;

	r = fdref_get(fs->fds, node, &ref);
	if (r < 0)
		return r;
	return removexattr(fd_path(ref.fd).text, name) < 0 ? -errno : 0;
}
