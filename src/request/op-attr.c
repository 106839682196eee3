// SPDX-License-Identifier: LGPL-2.1-or-later
/* Operations on attributes, plain and extended. */
#include "request/req.h"

#include <errno.h>

/* Writes the attributes in req->entry as the result, unless r is an error. Returns r. */
static int reply_attr(struct req *req, int r)
{
	const struct fs_attr *attr = &req->entry.attr;

	if (r == 0)
		encode_attr_out(&attr->stx, attr->attr_ns,
				req_out(req, sizeof(struct fuse_attr_out)));
	return r;
}

int op_getattr(struct req *req)
{
	return reply_attr(req, fs_getattr(req->fs, req->node, req->handle, &req->entry.attr));
}

int op_statx(struct req *req)
{
	struct fs_attr *attr = &req->entry.attr;
	int r = fs_getattr(req->fs, req->node, req->handle, attr);

	if (r == 0)
		encode_statx_out(&attr->stx, attr->attr_ns,
				 req_out(req, sizeof(struct fuse_statx_out)));
	return r;
}

static struct timespec time_of(uint64_t sec, uint32_t nsec, bool now)
{
	return (struct timespec){ .tv_sec = (time_t)sec, .tv_nsec = now ? UTIME_NOW : (long)nsec };
}

static struct fs_change change_of(const struct fuse_setattr_in *in)
{
	static const struct {
		uint32_t valid;
		unsigned int set;
	} map[] = {
		{ FATTR_MODE, FS_SET_MODE },
		{ FATTR_UID, FS_SET_UID },
		{ FATTR_GID, FS_SET_GID },
		{ FATTR_SIZE, FS_SET_SIZE },
		{ FATTR_ATIME, FS_SET_ATIME },
		{ FATTR_MTIME, FS_SET_MTIME },
		{ FATTR_KILL_SUIDGID, FS_KILL_SUIDGID },
	};
	struct fs_change change = {
		.mode = in->mode,
		.uid = in->uid,
		.gid = in->gid,
		.size = in->size,
		.times = { time_of(in->atime, in->atimensec, in->valid & FATTR_ATIME_NOW),
			   time_of(in->mtime, in->mtimensec, in->valid & FATTR_MTIME_NOW) },
	};

	for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++)
		if (in->valid & map[i].valid)
			change.set |= map[i].set;
	return change;
}

/*
 * Returns false if nsec is not a valid number of nanoseconds. UTIME_NOW and UTIME_OMIT are not, and
 * would have another meaning in utimensat(2).
 */
static bool is_time(uint32_t valid, uint32_t set, uint32_t now, uint32_t nsec)
{
	return !(valid & set) || (valid & now) || nsec <= 999999999;
}

int op_setattr(struct req *req)
{
	const struct fuse_setattr_in *in = req->msg.arg;
	struct fs_change change = change_of(in);

	if (!is_time(in->valid, FATTR_ATIME, FATTR_ATIME_NOW, in->atimensec) ||
	    !is_time(in->valid, FATTR_MTIME, FATTR_MTIME_NOW, in->mtimensec))
		return -EINVAL;
	return reply_attr(req, fs_setattr(req->fs, &req->caller, req->node, req->handle, &change,
					  &req->entry.attr));
}

int op_statfs(struct req *req)
{
	struct statvfs st;
	int r = fs_statfs(req->fs, req->node, &st);

	if (r == 0)
		encode_statfs_out(&st, req_out(req, sizeof(struct fuse_statfs_out)));
	return r;
}

int op_syncfs(struct req *req)
{
	return fs_syncfs(req->fs, req->node);
}

int op_readlink(struct req *req)
{
	int n = fs_readlink(req->fs, req->node, req->data, SLOT_PAGE - 1);

	if (n < 0)
		return n;
	req->data_len = (size_t)n;
	return 0;
}

/* Replies with the value, or only with its length n if the caller has given size 0. */
static int answer_value(struct req *req, size_t size, int n)
{
	struct fuse_getxattr_out *out;

	if (n < 0)
		return n;
	if (size) {
		req->data_len = (size_t)n;
		return 0;
	}
	out = req_out(req, sizeof(*out));
	out->size = (uint32_t)n;
	return 0;
}

static size_t value_room(struct req *req)
{
	const struct fuse_getxattr_in *in = req->msg.arg;

	return in->size < req->slot.data_size ? in->size : req->slot.data_size;
}

int op_getxattr(struct req *req)
{
	size_t size = value_room(req);

	return answer_value(req, size,
			    fs_getxattr(req->fs, req->node, req->msg.name[0], req->data, size));
}

int op_listxattr(struct req *req)
{
	size_t size = value_room(req);

	return answer_value(req, size,
			    fs_listxattr(req->fs, &req->caller, req->node, req->data, size));
}

int op_setxattr(struct req *req)
{
	const struct fuse_setxattr_in *in = req->msg.arg;

	return fs_setxattr(req->fs, req->node, req->msg.name[0], req->msg.data, req->msg.data_len,
			   (int)in->flags, in->setxattr_flags & FUSE_SETXATTR_ACL_KILL_SGID);
}

int op_removexattr(struct req *req)
{
	return fs_removexattr(req->fs, req->node, req->msg.name[0]);
}
