// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ioctl(2). Forwards a few commands: inode flags (lsattr, chattr) and the inode's version, for
 * which the kernel has checked who may change flags; and FITRIM, for which the kernel checks
 * nothing, so it runs with the caller's identity and capabilities. All others fail with ENOTTY, as
 * on a file system that does not know them, because they would run with the daemon's privileges. No
 * state, no locks.
 */
#include "fs/fs-private.h"
#include "util/cleanup.h"

#include <errno.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>

static bool forwarded(uint32_t cmd)
{
	return cmd == FS_IOC_GETFLAGS || cmd == FS_IOC_SETFLAGS || cmd == FS_IOC_FSGETXATTR ||
	       cmd == FS_IOC_FSSETXATTR || cmd == FS_IOC_GETVERSION || cmd == FITRIM;
}

int fs_ioctl(struct fs *fs, struct handle *handle, uint32_t cmd, const void *in, size_t in_len,
	     void *out, size_t out_len, size_t *ret_len)
{
	union {
		struct fsxattr fsx;
		long word;
		char bytes[64];
	} data = { 0 };
	_cleanup_(creds_leavep) struct creds_scope scope = CREDS_NONE;
	size_t size = _IOC_SIZE(cmd);
	int fd, r;

	if (!forwarded(cmd))
		return -ENOTTY;
	if (size > sizeof(data) || ((_IOC_DIR(cmd) & _IOC_WRITE) && in_len > size) ||
	    ((_IOC_DIR(cmd) & _IOC_READ) && out_len > size))
		return -EINVAL;
	if (_IOC_DIR(cmd) & _IOC_WRITE)
		memcpy(&data, in, in_len);
	fd = lower_of_handle(fs, handle);
	if (fd < 0)
		return fd;
	r = cmd == FITRIM ? creds_enter_whole(0, &scope) : lower_enter(fs, handle->node, &scope);
	if (r < 0)
		return r;
	r = ioctl(fd, cmd, &data);
	if (r < 0)
		return -errno;
	if ((_IOC_DIR(cmd) & _IOC_WRITE) && cmd != FITRIM)
		shadow_drop(fs, handle->node);
	*ret_len = _IOC_DIR(cmd) & _IOC_READ ? out_len : 0;
	memcpy(out, &data, *ret_len);
	return 0;
}
