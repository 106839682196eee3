// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The lower mounts: the mount of LOWER and its submounts. The first lookup of a file on a mount
 * adds the mount to the node table, with the properties of its file system. No locks besides those
 * of the table.
 */
#include "fs/fs-private.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/fstype.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>

/*
 * Returns a new descriptor by which files of the same mount can be opened by handle, or -errno. The
 * descriptor has to be open for reading, so a mount whose root is a pipe or a device has none.
 */
static int open_for_handles(int fd, uint32_t mode)
{
	if (S_ISDIR(mode))
		return fs_open_dir(fd);
	return S_ISREG(mode) ? fd_reopen(fd, O_RDONLY) : -EOPNOTSUPP;
}

/*
 * Returns a descriptor for opening handles of the mount, or -errno if nodes on this mount must keep
 * descriptors instead. Opens fh, the handle of fd, once as a trial, because the kernel also returns
 * handles that it then refuses to open: in a user namespace, without CAP_DAC_READ_SEARCH, and on
 * file systems that cannot decode them. A failure for lack of descriptors or memory proves nothing
 * about the mount.
 */
static int open_mount(int fd, const struct fhandle *fh, uint32_t mode)
{
	_cleanup_(fd_closep) int mount_fd = open_for_handles(fd, mode);
	int opened;

	if (mount_fd < 0)
		return take_fd(&mount_fd);
	opened = fhandle_open(mount_fd, fh, O_PATH | O_NOFOLLOW);
	if (opened < 0 && opened != -EMFILE && opened != -ENFILE && opened != -ENOMEM)
		return opened;
	fd_close(opened);
	return take_fd(&mount_fd);
}

int fs_handles_try(int fd, unsigned int *ret_len)
{
	_cleanup_(fd_closep) int mount_fd = -1;
	struct fhandle fh;
	struct statx stx;
	int r;

	*ret_len = 0;
	r = fhandle_at(fd, "", &fh, NULL);
	if (r == 0)
		r = lower_stat(fd, &stx);
	if (r < 0)
		return r;
	*ret_len = fh.len;
	mount_fd = open_mount(fd, &fh, stx.stx_mode);
	return mount_fd < 0 ? mount_fd : 0;
}

int lower_mount_of(struct fs *fs, int fd, const struct statx *stx, const struct fhandle *fh)
{
	struct lower_mount mount = {
		.mnt_id = (int)stx->stx_mnt_id,
		.fd = -1,
		.dev_major = stx->stx_dev_major,
		.dev_minor = stx->stx_dev_minor,
	};
	int number = nodetab_mount_find(fs->nodes, mount.mnt_id);
	const struct fstype *type;

	if (number >= 0)
		return number;
	type = fstype_of(fd);
	if (type && type->pseudo && !fs->config.pseudo) {
		log_info("hiding a file system of type %s below LOWER: mount with pseudo=show if "
			 "all users of the view may use it",
			 type->name);
		return -EACCES;
	}
	if (fh && !fs->config.own_fds)
		mount.fd = open_mount(fd, fh, stx->stx_mode);
	mount.handles = mount.fd >= 0;
	/* An unknown type might check the caller. */
	mount.checks_caller = !type || type->checks_caller;
	mount.checks_ids = type && type->checks_ids;
	mount.proc = type && type->proc;
	mount.zero_size = type && type->zero_size;
	if (type && type->remote)
		atomic_store_explicit(&fs->remote, true, memory_order_relaxed);
	return nodetab_mount_add(fs->nodes, &mount);
}

void fs_node_device(struct fs *fs, const struct node *node, uint32_t *ret_major,
		    uint32_t *ret_minor)
{
	const struct lower_mount *mount = lower_mount(fs, node);

	*ret_major = mount->dev_major;
	*ret_minor = mount->dev_minor;
}
