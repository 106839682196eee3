// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * How each operation calls the program, and what becomes of the program's result. Everything that a
 * program returns is checked here, or in fs/keyed.c. No locks.
 */
#include "request/served.h"
#include "util/log.h"
#include "util/name.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <sys/sysmacros.h>

/* Calls a callback, or returns PST_BACKING if it is NULL. */
#define CALL(NAME, ...) (ops->NAME ? ops->NAME(&s->request, ##__VA_ARGS__) : PST_BACKING)

#define CALLER(NAME) static int64_t call_##NAME(const struct pst_node_ops *ops, struct serving *s)

static const void *arg_of(const struct serving *s)
{
	return s->req->msg.arg;
}

static const char *name_of(const struct serving *s, int i)
{
	return s->req->msg.name[i];
}

/* -- calls ------------------------------------------------------------------------------------- */

CALLER(lookup)
{
	/* An NFS server looks up "." and ".."; the reply to "." is that of getattr(). */
	if (strcmp(name_of(s, 0), ".") == 0)
		return CALL(getattr, &s->stx);
	return name_is_dots(name_of(s, 0)) ? -ESTALE : CALL(lookup, name_of(s, 0), &s->entry);
}

CALLER(getattr)
{
	return CALL(getattr, &s->stx);
}

static struct statx_timestamp time_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (struct statx_timestamp){ .tv_sec = now.tv_sec, .tv_nsec = (uint32_t)now.tv_nsec };
}

static struct statx_timestamp time_of(uint64_t sec, uint32_t nsec, bool now)
{
	return now ? time_now() :
		     (struct statx_timestamp){ .tv_sec = (int64_t)sec, .tv_nsec = nsec };
}

CALLER(setattr)
{
	static const struct {
		uint32_t valid, field;
	} map[] = {
		{ FATTR_MODE, STATX_MODE },   { FATTR_UID, STATX_UID },
		{ FATTR_GID, STATX_GID },     { FATTR_SIZE, STATX_SIZE },
		{ FATTR_ATIME, STATX_ATIME }, { FATTR_MTIME, STATX_MTIME },
	};
	const struct fuse_setattr_in *in = arg_of(s);
	uint16_t type = (uint16_t)s->request.file.type;

	s->change = (struct statx){
		.stx_mode = (uint16_t)(type | (in->mode & 07777)),
		.stx_uid = in->uid,
		.stx_gid = in->gid,
		.stx_size = in->size,
		.stx_atime = time_of(in->atime, in->atimensec, in->valid & FATTR_ATIME_NOW),
		.stx_mtime = time_of(in->mtime, in->mtimensec, in->valid & FATTR_MTIME_NOW),
	};
	for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++)
		if (in->valid & map[i].valid)
			s->change.stx_mask |= map[i].field;
	/* A change of the owner always does; so does an empty change before a write. */
	s->request.clears_set_ids = !S_ISDIR(type) &&
				    ((in->valid & (FATTR_UID | FATTR_GID | FATTR_KILL_SUIDGID)) ||
				     (!s->change.stx_mask && s->req->node->n_writers));
	return CALL(setattr, &s->change, &s->stx);
}

CALLER(readlink)
{
	return CALL(readlink, s->req->data, SLOT_PAGE - 1);
}

CALLER(symlink)
{
	return CALL(make, name_of(s, 0), S_IFLNK | 0777, 0, name_of(s, 1), &s->entry);
}

CALLER(mknod)
{
	const struct fuse_mknod_in *in = arg_of(s);
	uint32_t major_nr = (in->rdev & 0xfff00) >> 8;
	uint32_t minor_nr = (in->rdev & 0xff) | (in->rdev >> 12 & 0xfff00);

	if (S_ISDIR(in->mode) || S_ISLNK(in->mode))
		return -EPERM;
	return CALL(make, name_of(s, 0), in->mode & ~(in->umask & 0777),
		    makedev(major_nr, minor_nr), NULL, &s->entry);
}

CALLER(mkdir)
{
	const struct fuse_mkdir_in *in = arg_of(s);

	return CALL(make, name_of(s, 0), S_IFDIR | (in->mode & 07777 & ~(in->umask & 0777)), 0,
		    NULL, &s->entry);
}

CALLER(create)
{
	const struct fuse_create_in *in = arg_of(s);

	return CALL(create, name_of(s, 0), S_IFREG | (in->mode & 07777 & ~(in->umask & 0777)),
		    (int)in->flags, &s->entry, &s->opened);
}

CALLER(link)
{
	return CALL(link, name_of(s, 0), &s->entry);
}

CALLER(remove)
{
	return CALL(remove, name_of(s, 0), s->req->msg.head->opcode == FUSE_RMDIR);
}

CALLER(rename)
{
	const struct fuse_rename2_in *in = arg_of(s);
	bool wide = s->req->msg.head->opcode == FUSE_RENAME2;

	return CALL(rename, name_of(s, 0), name_of(s, 1), wide ? in->flags : 0);
}

CALLER(open)
{
	const struct fuse_open_in *in = arg_of(s);

	if (!S_ISREG(s->request.file.type))
		return PST_BACKING;
	s->request.clears_set_ids = !!(in->open_flags & FUSE_OPEN_KILL_SUIDGID);
	return CALL(open, (int)in->flags, &s->opened);
}

static size_t room_of(const struct serving *s, uint32_t size)
{
	return size < s->req->slot.data_size ? size : s->req->slot.data_size;
}

CALLER(read)
{
	const struct fuse_read_in *in = arg_of(s);

	return CALL(read, s->req->data, room_of(s, in->size), in->offset);
}

CALLER(write)
{
	const struct fuse_write_in *in = arg_of(s);

	s->request.clears_set_ids = !!(in->write_flags & FUSE_WRITE_KILL_SUIDGID);
	return CALL(write, s->req->msg.data, s->req->msg.data_len, in->offset);
}

CALLER(fallocate)
{
	const struct fuse_fallocate_in *in = arg_of(s);

	return CALL(fallocate, (int)in->mode, in->offset, in->length);
}

CALLER(lseek)
{
	const struct fuse_lseek_in *in = arg_of(s);

	return CALL(lseek, (int64_t)in->offset, (int)in->whence);
}

CALLER(fsync)
{
	const struct fuse_fsync_in *in = arg_of(s);

	return CALL(fsync, !!(in->fsync_flags & FUSE_FSYNC_FDATASYNC));
}

CALLER(flush)
{
	return CALL(flush);
}

CALLER(release)
{
	if (ops->release)
		ops->release(&s->request);
	return 0;
}

CALLER(readdir)
{
	const struct fuse_read_in *in = arg_of(s);

	s->listing.len = 0;
	s->listing.off = in->offset;
	s->listing.room = room_of(s, in->size);
	s->listing.entries = s->req->msg.head->opcode == FUSE_READDIRPLUS;
	return CALL(readdir, serve_list_offset(s->req->node, in->offset), &s->listing);
}

CALLER(getxattr)
{
	const struct fuse_getxattr_in *in = arg_of(s);
	size_t size = room_of(s, in->size);

	return CALL(getxattr, name_of(s, 0), size ? s->req->data : NULL, size);
}

CALLER(listxattr)
{
	const struct fuse_getxattr_in *in = arg_of(s);
	size_t size = room_of(s, in->size);

	return CALL(listxattr, size ? s->req->data : NULL, size);
}

CALLER(setxattr)
{
	const struct fuse_setxattr_in *in = arg_of(s);

	return CALL(setxattr, name_of(s, 0), s->req->msg.data, s->req->msg.data_len,
		    (int)in->flags);
}

CALLER(removexattr)
{
	return CALL(removexattr, name_of(s, 0));
}

CALLER(statfs)
{
	return CALL(statfs, &s->st);
}

/* No program can answer it: only the error of a file without a lower file. */
CALLER(nothing)
{
	(void)ops;
	(void)s;
	return PST_BACKING;
}

/* -- results ----------------------------------------------------------------------------------- */

/* Returns -EIO, and logs why, for a number that the callback must not return. */
static int bad_number(struct req *req, int64_t result)
{
	log_error("the program returned %lld for %s, where that number has no meaning: the caller "
		  "gets EIO",
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
	if (finds && strcmp(req->msg.name[0], ".") == 0) {
		result = fs_keyed_attr(req->fs, req->node, &s->stx, &req->entry.attr);
		if (result == 0)
			req->entry.node = node_get(req->node);
		return (int)result;
	}
	return fs_keyed_entry(req->fs, req->node, &s->entry, &req->entry);
}

static int take_open_flags(struct req *req, struct serving *s, uint32_t flags, struct node *node)
{
	return fs_open_served(req->fs, node, (int)flags, &s->opened, &req->open);
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
	size_t room = req->msg.head->opcode == FUSE_READLINK ? SLOT_PAGE - 1 : room_of(s, in->size);

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
		if ((uint64_t)result > room_of(s, in->size))
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

static int take_offset(struct req *req, struct serving *s, int64_t result)
{
	struct fuse_lseek_out *out = req_out(req, sizeof(*out));

	(void)s;
	out->offset = (uint64_t)result;
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
	.answers = PST_ANSWERS_##ANSWERS, AT(MEMBER), .call = call_##CALL, .take = take_##TAKE
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
#define COPY_ROW(NONE)                                                                             \
	{                                                                                          \
		.of_handle = true, .call = call_nothing, .take = take_nothing, .none = (NONE)      \
	}
#define NO_ROW(NONE)                                                                               \
	{                                                                                          \
		.call = call_nothing, .take = take_nothing, .none = (NONE)                         \
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
	[FUSE_TMPFILE] = NO_ROW(-EOPNOTSUPP),
	[FUSE_READ] = FILE_ROW(read, data, -EIO),
	[FUSE_WRITE] = FILE_ROW(write, written, -EBADF),
	[FUSE_FALLOCATE] = FILE_ROW(fallocate, nothing, -EOPNOTSUPP),
	[FUSE_LSEEK] = FILE_ROW(lseek, offset, -EINVAL),
	[FUSE_FSYNC] = FILE_ROW(fsync, nothing, 0),
	[FUSE_FLUSH] = FILE_ROW(flush, nothing, 0),
	[FUSE_RELEASE] = FILE_ROW(release, below, 0),
	/* The kernel then copies by reads and writes. */
	[FUSE_COPY_FILE_RANGE] = COPY_ROW(-EXDEV),
	[FUSE_COPY_FILE_RANGE_64] = COPY_ROW(-EXDEV),
	[FUSE_IOCTL] = NO_ROW(-ENOTTY),
	[FUSE_FSYNCDIR] = NO_ROW(0),
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
