// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The rows of the operations that a program can answer: each makes the reply out of the program's
 * result. Everything that a program returns is checked here, or in fs/keyed.c. No locks.
 */
#include "request/serve-calls.h"
#include "util/log.h"
#include "util/name.h"

#include <errno.h>
#include <linux/limits.h>

/* -- results ----------------------------------------------------------------------------------- */

/* Returns -EIO, and logs why, for a number that the callback must not return. */
static int bad_number(struct req *req, int64_t result)
{
	log_error(
		"the program returned %lld for %s, where that number has no meaning (an error "
		"without a minus sign, or more bytes than there is room for): the caller gets EIO",
		(long long)result, req->msg.op->name);
	return -EIO;
}

static int take_nothing(struct req *req, struct serving *s, int64_t result)
{
	(void)s;
	return result ? bad_number(req, result) : 0;
}

static int take_entry(struct req *req, struct serving *s, int64_t result)
{
	bool finds = req->msg.op->effect == OP_FINDS;

	if (result)
		return bad_number(req, result);
	if (finds && !s->entry.key_len && !s->listing.found && !name_is_dots(req->msg.name[0]))
		return fs_keyed_absent(req->fs, req->node, &req->entry);
	if (finds && strcmp(req->msg.name[0], ".") == 0) {
		result = fs_keyed_attr(req->fs, req->node, &s->stx, &req->entry.attr);
		if (result == 0)
			req->entry.node = node_get(req->node);
		return (int)result;
	}
	return fs_keyed_entry(req->fs, req->node, s->entry.key, s->entry.key_len, &s->entry.stx,
			      &req->entry);
}

static int take_open_flags(struct req *req, struct serving *s, uint32_t flags, struct node *node)
{
	int r = fs_open_served(req->fs, node, (int)flags, &s->opened, &req->open);

	if (r < 0)
		serve_release(req, node);
	return r;
}

static int take_open(struct req *req, struct serving *s, int64_t result)
{
	const struct fuse_open_in *in = req->msg.arg;

	return result ? bad_number(req, result) : take_open_flags(req, s, in->flags, req->node);
}

static int take_create(struct req *req, struct serving *s, int64_t result)
{
	const struct fuse_create_in *in = req->msg.arg;
	int r = take_entry(req, s, result);

	if (r < 0)
		return r;
	if (S_ISREG(req->entry.node->type))
		r = take_open_flags(req, s, in->flags, req->entry.node);
	else
		r = bad_number(req, S_IFMT);
	if (r < 0) {
		fs_node_put(req->fs, req->entry.node);
		req->entry = (struct fs_entry){ 0 };
	}
	return r;
}

static int take_attr(struct req *req, struct serving *s, int64_t result)
{
	struct fs_attr *attr = &req->entry.attr;
	int r = result ? bad_number(req, result) : fs_keyed_attr(req->fs, req->node, &s->stx, attr);

	if (r < 0)
		return r;
	if (req->msg.head->opcode == FUSE_STATX)
		encode_statx_out(&attr->stx, attr->attr_ns,
				 req_out(req, sizeof(struct fuse_statx_out)));
	else
		encode_attr_out(&attr->stx, attr->attr_ns,
				req_out(req, sizeof(struct fuse_attr_out)));
	return 0;
}

static int take_data(struct req *req, struct serving *s, int64_t result)
{
	const struct fuse_read_in *in = req->msg.arg;
	size_t room = req->msg.head->opcode == FUSE_READLINK ? SLOT_PAGE - 1 :
							       serve_room(s, in->size);

	if ((uint64_t)result > room)
		return bad_number(req, result);
	req->data_len = (size_t)result;
	return 0;
}

static int take_value(struct req *req, struct serving *s, int64_t result)
{
	const struct fuse_getxattr_in *in = req->msg.arg;
	struct fuse_getxattr_out *out;

	if ((uint64_t)result > XATTR_SIZE_MAX)
		return bad_number(req, result);
	if (in->size) {
		if ((uint64_t)result > serve_room(s, in->size))
			return -ERANGE;
		req->data_len = (size_t)result;
		return 0;
	}
	out = req_out(req, sizeof(*out));
	out->size = (uint32_t)result;
	return 0;
}

static int take_written(struct req *req, struct serving *s, int64_t result)
{
	struct fuse_write_out *out;

	(void)s;
	if ((uint64_t)result > req->msg.data_len)
		return bad_number(req, result);
	out = req_out(req, sizeof(*out));
	out->size = (uint32_t)result;
	return 0;
}

static int take_copied(struct req *req, struct serving *s, int64_t result)
{
	const struct fuse_copy_file_range_in *in = req->msg.arg;

	(void)s;
	if ((uint64_t)result > in->len)
		return bad_number(req, result);
	op_copy_encode(req, (uint64_t)result);
	return 0;
}

static int take_ioctl(struct req *req, struct serving *s, int64_t result)
{
	const struct fuse_ioctl_in *in = req->msg.arg;
	struct fuse_ioctl_out *out;

	if (result > INT32_MAX)
		return bad_number(req, result);
	out = req_out(req, sizeof(*out));
	out->result = (int32_t)result;
	req->data_len = serve_room(s, in->out_size);
	return 0;
}

static int take_offset(struct req *req, struct serving *s, int64_t result)
{
	const struct fuse_lseek_in *in = req->msg.arg;
	struct fuse_lseek_out *out = req_out(req, sizeof(*out));

	out->offset = (uint64_t)result;
	if (req->host->served->ops.lseek != serve_default_lseek)
		return 0;
	if (result)
		return bad_number(req, result);
	if (in->offset >= s->stx.stx_size)
		return -ENXIO;
	out->offset = in->whence == SEEK_HOLE ? s->stx.stx_size : in->offset;
	return 0;
}

static int take_statfs(struct req *req, struct serving *s, int64_t result)
{
	if (result)
		return bad_number(req, result);
	encode_statfs_out(&s->st, req_out(req, sizeof(struct fuse_statfs_out)));
	return 0;
}

/* The operation's function does the rest: it closes the handle, or makes the reply of a listing. */
static int take_below(struct req *req, struct serving *s, int64_t result)
{
	(void)s;
	return result ? bad_number(req, result) : REQ_BELOW;
}

/* -- the rows ---------------------------------------------------------------------------------- */

#define AT(MEMBER) .at = offsetof(struct pst_node_ops, MEMBER)
#define ROW(ANSWERS, MEMBER, CALL, TAKE)                                                           \
	.answers = PST_ANSWERS_##ANSWERS, AT(MEMBER), .call = serve_call_##CALL, .take = take_##TAKE
/* An operation of a node, or of an open file, and its result if there is no callback. */
#define NODE_ROW(ANSWERS, MEMBER, CALL, TAKE, NONE)                                                \
	{                                                                                          \
		ROW(ANSWERS, MEMBER, CALL, TAKE), .none = (NONE)                                   \
	}
#define BELOW_ROW(ANSWERS, MEMBER, CALL, TAKE)                                                     \
	{                                                                                          \
		ROW(ANSWERS, MEMBER, CALL, TAKE), .below = true                                    \
	}
#define FILE_ROW(MEMBER, TAKE, NONE)                                                               \
	{                                                                                          \
		ROW(OPEN, MEMBER, MEMBER, TAKE), .of_handle = true, .none = (NONE)                 \
	}
#define COPY_ROW                                                                                   \
	{                                                                                          \
		ROW(OPEN, copy_file_range, copy, copied), .of_handle = true, .none = -EXDEV        \
	}
#define NO_ROW(NONE)                                                                               \
	{                                                                                          \
		.call = serve_call_nothing, .take = take_nothing, .none = (NONE)                   \
	}

static const struct serve_row rows[OP_MAX] = {
	[FUSE_LOOKUP] = NODE_ROW(LOOKUP, lookup, lookup, entry, -ENOENT),
	[FUSE_GETATTR] = NODE_ROW(GETATTR, getattr, getattr, attr, -EIO),
	[FUSE_STATX] = NODE_ROW(GETATTR, getattr, getattr, attr, -EIO),
	[FUSE_SETATTR] = NODE_ROW(SETATTR, setattr, setattr, attr, -EPERM),
	[FUSE_READLINK] = NODE_ROW(READLINK, readlink, readlink, data, -EINVAL),
	[FUSE_SYMLINK] = NODE_ROW(MAKE, make, symlink, entry, -EPERM),
	[FUSE_MKNOD] = NODE_ROW(MAKE, make, mknod, entry, -EPERM),
	[FUSE_MKDIR] = NODE_ROW(MAKE, make, mkdir, entry, -EPERM),
	[FUSE_UNLINK] = NODE_ROW(REMOVE, remove, remove, nothing, -EPERM),
	[FUSE_RMDIR] = NODE_ROW(REMOVE, remove, remove, nothing, -EPERM),
	[FUSE_RENAME] = NODE_ROW(RENAME, rename, rename, nothing, -EPERM),
	[FUSE_RENAME2] = NODE_ROW(RENAME, rename, rename, nothing, -EPERM),
	[FUSE_LINK] = NODE_ROW(LINK, link, link, entry, -EPERM),
	[FUSE_OPEN] = NODE_ROW(OPEN, open, open, open, -EOPNOTSUPP),
	[FUSE_CREATE] = NODE_ROW(CREATE, create, create, create, -EPERM),
	[FUSE_TMPFILE] = NODE_ROW(CREATE, tmpfile, tmpfile, create, -EOPNOTSUPP),
	[FUSE_READ] = FILE_ROW(read, data, -EIO),
	[FUSE_WRITE] = FILE_ROW(write, written, -EBADF),
	[FUSE_FALLOCATE] = FILE_ROW(fallocate, nothing, -EOPNOTSUPP),
	[FUSE_LSEEK] = FILE_ROW(lseek, offset, -EINVAL),
	[FUSE_FSYNC] = FILE_ROW(fsync, nothing, 0),
	[FUSE_FLUSH] = FILE_ROW(flush, nothing, 0),
	[FUSE_RELEASE] = FILE_ROW(release, below, 0),
	/* The kernel then copies by reads and writes. */
	[FUSE_COPY_FILE_RANGE] = COPY_ROW,
	[FUSE_COPY_FILE_RANGE_64] = COPY_ROW,
	[FUSE_IOCTL] = NODE_ROW(IOCTL, ioctl, ioctl, ioctl, -ENOTTY),
	[FUSE_FSYNCDIR] = NODE_ROW(OPEN, fsync, fsync, nothing, 0),
	[FUSE_SYNCFS] = NO_ROW(0),
	[FUSE_READDIR] = BELOW_ROW(READDIR, readdir, readdir, below),
	[FUSE_READDIRPLUS] = BELOW_ROW(READDIR, readdir, readdir, below),
	/* The kernel asks for ACLs, and takes EOPNOTSUPP for an error of the permission check. */
	[FUSE_GETXATTR] = NODE_ROW(XATTR, getxattr, getxattr, value, -ENODATA),
	[FUSE_LISTXATTR] = NODE_ROW(XATTR, listxattr, listxattr, value, 0),
	[FUSE_SETXATTR] = NODE_ROW(XATTR, setxattr, setxattr, nothing, -EOPNOTSUPP),
	[FUSE_REMOVEXATTR] = NODE_ROW(XATTR, removexattr, removexattr, nothing, -ENODATA),
	[FUSE_STATFS] = BELOW_ROW(STATFS, statfs, statfs, statfs),
};

const struct serve_row *serve_row(uint32_t opcode)
{
	return rows[opcode].call ? &rows[opcode] : NULL;
}
