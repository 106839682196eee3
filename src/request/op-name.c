// SPDX-License-Identifier: LGPL-2.1-or-later
/* Operations on names. */
#include "request/req.h"

#include <errno.h>
#include <sys/sysmacros.h>

int op_lookup(struct req *req)
{
	return fs_lookup(req->fs, req->node, req->msg.name[0], &req->entry);
}

int op_forget(struct req *req)
{
	const struct fuse_forget_in *in = req->msg.arg;

	fs_forget(req->fs, req->msg.head->nodeid, in->nlookup);
	return 0;
}

int op_batch_forget(struct req *req)
{
	const struct fuse_forget_one *one = (const struct fuse_forget_one *)req->msg.data;
	size_t n = req->msg.data_len / sizeof(*one);

	for (size_t i = 0; i < n; i++)
		fs_forget(req->fs, one[i].nodeid, one[i].nlookup);
	return 0;
}

int op_symlink(struct req *req)
{
	struct fs_new_file file = { .mode = S_IFLNK, .target = req->msg.name[1] };

	return fs_make(req->fs, &req->caller, req->node, req->msg.name[0], &file, &req->entry);
}

int op_mknod(struct req *req)
{
	const struct fuse_mknod_in *in = req->msg.arg;
	/* Converts a device number from the kernel's encoding to that of libc. */
	uint32_t major_nr = (in->rdev & 0xfff00) >> 8;
	uint32_t minor_nr = (in->rdev & 0xff) | (in->rdev >> 12 & 0xfff00);
	struct fs_new_file file = { .mode = in->mode, .rdev = makedev(major_nr, minor_nr) };

	/* mknod(2) makes no directories and no symbolic links. */
	if (S_ISDIR(in->mode) || S_ISLNK(in->mode))
		return -EPERM;
	req->caller.umask = in->umask & 0777;
	return fs_make(req->fs, &req->caller, req->node, req->msg.name[0], &file, &req->entry);
}

int op_mkdir(struct req *req)
{
	const struct fuse_mkdir_in *in = req->msg.arg;
	struct fs_new_file file = { .mode = S_IFDIR | (in->mode & 07777) };

	req->caller.umask = in->umask & 0777;
	return fs_make(req->fs, &req->caller, req->node, req->msg.name[0], &file, &req->entry);
}

int op_unlink(struct req *req)
{
	return fs_unlink(req->fs, req->node, req->msg.name[0], req->msg.head->opcode == FUSE_RMDIR);
}

int op_rename(struct req *req)
{
	const struct fuse_rename2_in *in = req->msg.arg;
	/* req_save() has added zeros to the argument of RENAME, which has no flags. */
	bool wide = req->msg.head->opcode == FUSE_RENAME2 || req->saved;
	unsigned int flags = wide ? in->flags : 0;

	return fs_rename(req->fs, &req->caller, req->node, req->msg.name[0], req->node2,
			 req->msg.name[1], flags);
}

int op_link(struct req *req)
{
	return fs_link(req->fs, req->node2, req->node, req->msg.name[0], &req->entry);
}
