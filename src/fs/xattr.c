/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Extended attributes, reached by way of /proc/self/fd: neither fgetxattr(2) nor getxattrat(2) with
 * AT_EMPTY_PATH takes an O_PATH descriptor. The way leads to the file itself, also when that is a
 * symbolic link.
 */
#include "fs/creds.h"
#include "fs/fs-private.h"
#include "util/cleanup.h"
#include "util/fd.h"

#include <errno.h>
#include <linux/limits.h>
#include <string.h>
#include <sys/xattr.h>

#define ACL "system.posix_acl_access"

/* An ACL is the longer form of a mode: where that is a server's, the one below says nothing. */
static bool is_void(const struct node *node, const char *name)
{
	return authority_is_served(node, STATX_MODE) && strcmp(name, ACL) == 0;
}

int fs_getxattr(struct fs *fs, struct node *node, const char *name, char *buf, size_t size)
{
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	ssize_t n;
	int r;

	if (is_void(node, name) || set_id_is_capability(node, name))
		return -ENODATA;
	if (strcmp(name, ACL) == 0)
		answer_acl(fs, node);
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

/* The list without the names that the view does not show. */
static ssize_t list_shown(const struct node *node, const char *path, char *buf, size_t size)
{
	char all[XATTR_LIST_MAX], *name = all;
	ssize_t n = listxattr(path, all, sizeof(all));

	while (n > 0 && name < all + n) {
		size_t len = strlen(name) + 1;

		if (is_void(node, name) || set_id_is_capability(node, name)) {
			memmove(name, name + len, (size_t)(all + n - name) - len);
			n -= (ssize_t)len;
		} else {
			name += len;
		}
	}
	if (n > 0 && size && (size_t)n > size) {
		errno = ERANGE;
		return -1;
	}
	if (n > 0 && size)
		memcpy(buf, all, (size_t)n);
	return n;
}

int fs_listxattr(struct fs *fs, const struct fs_caller *caller, struct node *node, char *buf,
		 size_t size)
{
	_cleanup_(creds_leavep) struct creds_scope scope = CREDS_NONE;
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	ssize_t n;
	int r;

	r = fdref_get(fs->fds, node, &ref);
	/* Which names an ordinary user sees is the lower file system's to say. */
	if (r == 0 && caller->uid != 0)
		r = creds_enter_ordinary(&scope);
	if (r < 0)
		return r;
	if (authority_is_served(node, STATX_MODE) || set_id_is_foreign(node))
		n = list_shown(node, fd_path(ref.fd).text, buf, size);
	else
		n = listxattr(fd_path(ref.fd).text, buf, size);
	return n < 0 ? -errno : (int)n;
}

int fs_setxattr(struct fs *fs, struct node *node, const char *name, const void *value, size_t size,
		int flags, bool kill_sgid)
{
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	int r;

	if (is_void(node, name))
		return -EOPNOTSUPP;
	if (set_id_is_capability(node, name))
		return -EPERM;
	r = fdref_get(fs->fds, node, &ref);
	if (r < 0)
		return r;
	r = setxattr(fd_path(ref.fd).text, name, value, size, flags) < 0 ? -errno : 0;
	/* An ACL set by somebody outside the file's group: the kernel leaves the bit to us. */
	if (r == 0 && kill_sgid) {
		struct statx stx;

		r = lower_stat(ref.fd, &stx);
		if (r == 0 && (stx.stx_mode & S_ISGID))
			r = meta_change_mode(ref.fd, stx.stx_mode & ~(uint32_t)S_ISGID);
	}
	return r;
}

int fs_removexattr(struct fs *fs, struct node *node, const char *name)
{
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	int r;

	/* As everywhere, there is none and it is gone afterwards. */
	if (is_void(node, name))
		return 0;
	r = fdref_get(fs->fds, node, &ref);
	if (r < 0)
		return r;
	return removexattr(fd_path(ref.fd).text, name) < 0 ? -errno : 0;
}
