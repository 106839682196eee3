/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Extended attributes. Since Linux 6.13 they can be reached through an O_PATH descriptor; before,
 * by way of /proc/self/fd, which leads to the file itself, symbolic links included.
 */
#include "fs/fs-private.h"
#include "util/cleanup.h"
#include "util/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#ifndef SYS_setxattrat
#define SYS_setxattrat 463
#define SYS_getxattrat 464
#define SYS_listxattrat 465
#define SYS_removexattrat 466
#endif

/* The kernel's struct xattr_args. */
struct args {
	_Alignas(8) uint64_t value;
	uint32_t size;
	uint32_t flags;
};

static ssize_t get(int fd, const char *name, char *buf, size_t size)
{
	struct args args = { .value = (uintptr_t)buf, .size = (uint32_t)size };
	ssize_t n = syscall(SYS_getxattrat, fd, "", AT_EMPTY_PATH, name, &args, sizeof(args));

	if (n < 0 && errno == ENOSYS)
		n = getxattr(fd_path(fd).text, name, buf, size);
	return n < 0 ? -errno : n;
}

static ssize_t list(int fd, char *buf, size_t size)
{
	ssize_t n = syscall(SYS_listxattrat, fd, "", AT_EMPTY_PATH, buf, size);

	if (n < 0 && errno == ENOSYS)
		n = listxattr(fd_path(fd).text, buf, size);
	return n < 0 ? -errno : n;
}

static int set(int fd, const char *name, const void *value, size_t size, int flags)
{
	struct args args = {
		.value = (uintptr_t)value,
		.size = (uint32_t)size,
		.flags = (uint32_t)flags,
	};
	long r = syscall(SYS_setxattrat, fd, "", AT_EMPTY_PATH, name, &args, sizeof(args));

	if (r < 0 && errno == ENOSYS)
		r = setxattr(fd_path(fd).text, name, value, size, flags);
	return r < 0 ? -errno : 0;
}

int fs_getxattr(struct fs *fs, struct node *node, const char *name, char *buf, size_t size)
{
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	int r;

	r = fdref_get(fs->fds, node, &ref);
	return r < 0 ? r : (int)get(ref.fd, name, buf, size);
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
	r = set(ref.fd, name, value, size, flags);
	/* An ACL set by somebody outside the file's group: the kernel leaves the bit to us. */
	if (r == 0 && kill_sgid) {
		struct fs_change change = { .set = FS_SET_MODE };
		struct fs_attr attr;

		r = attr_read_fd(ref.fd, &attr.stx);
		change.mode = attr.stx.stx_mode & ~(uint32_t)S_ISGID;
		if (r == 0 && (attr.stx.stx_mode & S_ISGID))
			r = fs_setattr(fs, node, NULL, &change, &attr);
	}
	return r;
}

int fs_removexattr(struct fs *fs, struct node *node, const char *name)
{
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	long r;

	r = fdref_get(fs->fds, node, &ref);
	if (r < 0)
		return (int)r;
	r = syscall(SYS_removexattrat, ref.fd, "", AT_EMPTY_PATH, name);
	if (r < 0 && errno == ENOSYS)
		r = removexattr(fd_path(ref.fd).text, name);
	return r < 0 ? -errno : 0;
}
