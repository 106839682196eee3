// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Extended attributes. System calls name the file by its path in /proc/self/fd, because neither
 * fgetxattr(2) nor getxattrat(2) with AT_EMPTY_PATH accepts an O_PATH descriptor. The descriptor of
 * a symbolic link leads to the link itself. No state, no locks.
 */
#include "fs/creds.h"
#include "fs/fs-private.h"
#include "fs/hollow-private.h"
#include "util/caps.h"
#include "util/cleanup.h"
#include "util/fd.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/limits.h>
#include <string.h>
#include <sys/xattr.h>

#define ACL "system.posix_acl_access"

/*
 * Takes the identity of the caller if the lower file system has to check an operation on an
 * attribute. The kernel has checked the permission for user.*, trusted.* and security.* attributes,
 * and for ACLs. It does not know other names in system.* (ACLs of NFS, SMB and NTFS), so the lower
 * file system has to check these.
 */
static int enter(struct fs *fs, const struct node *node, const char *name,
		 struct creds_scope *scope)
{
	bool unknown = strncmp(name, "system.", 7) == 0 &&
		       strncmp(name, "system.posix_acl_", 17) != 0;

	return unknown ? creds_enter_whole(0, scope) : lower_enter(fs, node, scope);
}

/*
 * Returns true if the view hides an attribute: a mark of hollow files, or an ACL. The ACL
 * determines the mode, so a file whose mode the server decides has no ACL.
 */
static bool is_void(const struct fs *fs, const struct node *node, const char *name)
{
	return hollow_is_mark(fs, name) ||
	       (authority_is_served(node, STATX_MODE) && strcmp(name, ACL) == 0);
}

int fs_getxattr(struct fs *fs, struct node *node, const char *name, char *buf, size_t size)
{
	_cleanup_(creds_leavep) struct creds_scope scope = CREDS_NONE;
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	ssize_t n;
	int r;

	if (is_void(fs, node, name) || set_id_is_capability(node, name))
		return -ENODATA;
	if (strcmp(name, ACL) == 0)
		shadow_record_acl(fs, node);
	r = fdref_get(fs->fds, node, &ref);
	if (r == 0)
		r = enter(fs, node, name, &scope);
	if (r < 0)
		return r;
	n = getxattr(fd_path(ref.fd).text, name, buf, size);
	if (n >= 0)
		return (int)n;
	/*
	 * The kernel reads ACLs to check permissions, and the check would fail with any other
	 * error.
	 */
	if (errno == EOPNOTSUPP && strncmp(name, "system.posix_acl_", 17) == 0)
		return -ENODATA;
	return -errno;
}

static bool has_trusted(const char *list, ssize_t n)
{
	for (const char *name = list; name < list + n; name += strlen(name) + 1)
		if (strncmp(name, "trusted.", 8) == 0)
			return true;
	return false;
}

/* Removes the names that the view does not show from a list. Returns its new length. */
static ssize_t drop_hidden(const struct fs *fs, const struct node *node, char *list, ssize_t n)
{
	char *name = list;

	while (name < list + n) {
		size_t len = strlen(name) + 1;

		if (is_void(fs, node, name) || set_id_is_capability(node, name)) {
			memmove(name, name + len, (size_t)(list + n - name) - len);
			n -= (ssize_t)len;
		} else {
			name += len;
		}
	}
	return n;
}

/* Lists the names that the caller sees: the lower file system hides some without CAP_SYS_ADMIN. */
static ssize_t list_as_caller(struct fs *fs, const struct fs_caller *caller, struct node *node,
			      int fd, char list[XATTR_LIST_MAX])
{
	_cleanup_(creds_leavep) struct creds_scope scope = CREDS_NONE;
	int r = lower_enter(fs, node, &scope);
	ssize_t n;

	if (r < 0)
		return r;
	n = listxattr(fd_path(fd).text, list, XATTR_LIST_MAX);
	/*
	 * Reading the caller's capabilities takes longer than the listing, so only if the listing
	 * depends on them.
	 */
	if (!lower_checks_caller(fs, node) && has_trusted(list, n) &&
	    !caller_capable(caller, CAP_SYS_ADMIN)) {
		r = creds_enter_ordinary(&scope);
		if (r < 0)
			return r;
		n = listxattr(fd_path(fd).text, list, XATTR_LIST_MAX);
	}
	return n < 0 ? -errno : n;
}

int fs_listxattr(struct fs *fs, const struct fs_caller *caller, struct node *node, char *buf,
		 size_t size)
{
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	char list[XATTR_LIST_MAX];
	ssize_t n;
	int r;

	r = fdref_get(fs->fds, node, &ref);
	if (r < 0)
		return r;
	n = list_as_caller(fs, caller, node, ref.fd, list);
	if (n > 0)
		n = drop_hidden(fs, node, list, n);
	if (n > 0 && size && (size_t)n > size)
		return -ERANGE;
	if (n > 0 && size)
		memcpy(buf, list, (size_t)n);
	return (int)n;
}

int fs_setxattr(struct fs *fs, struct node *node, const char *name, const void *value, size_t size,
		int flags, bool kill_sgid)
{
	_cleanup_(creds_leavep) struct creds_scope scope = CREDS_NONE;
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	int r;

	if (is_void(fs, node, name))
		return -EOPNOTSUPP;
	if (set_id_is_capability(node, name))
		return -EPERM;
	r = fdref_get(fs->fds, node, &ref);
	if (r == 0)
		r = enter(fs, node, name, &scope);
	if (r < 0)
		return r;
	r = setxattr(fd_path(ref.fd).text, name, value, size, flags) < 0 ? -errno : 0;
	/*
	 * A caller who is not in the file's group has set an ACL. The lower file system leaves the
	 * bit, because the daemon has CAP_FSETID.
	 */
	if (r == 0 && kill_sgid && !lower_checks_caller(fs, node)) {
		struct statx stx;

		r = lower_stat(ref.fd, &stx);
		if (r == 0 && (stx.stx_mode & S_ISGID))
			r = lower_chmod(ref.fd, stx.stx_mode & ~(uint32_t)S_ISGID);
	}
	return r;
}

int fs_removexattr(struct fs *fs, struct node *node, const char *name)
{
	_cleanup_(creds_leavep) struct creds_scope scope = CREDS_NONE;
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	int r;

	/* The client sees neither of them, and the kernel removes ACLs that a file may not have. */
	if (is_void(fs, node, name))
		return hollow_is_mark(fs, name) ? -ENODATA : 0;
	r = fdref_get(fs->fds, node, &ref);
	/*
	 * The kernel sends REMOVEXATTR of file capabilities also for a write by a caller without
	 * CAP_SETFCAP. It has checked callers of removexattr(2), so add the capability.
	 */
	if (r == 0 && lower_checks_caller(fs, node) && strcmp(name, "security.capability") == 0)
		r = creds_enter_whole(CAP_BIT(CAP_SETFCAP), &scope);
	else if (r == 0)
		r = enter(fs, node, name, &scope);
	if (r < 0)
		return r;
	return removexattr(fd_path(ref.fd).text, name) < 0 ? -errno : 0;
}
