// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * How each operation calls the program: turns the argument of a request into arguments of the
 * callback. No locks.
 */
#include "request/serve-calls.h"
#include "util/name.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/sysmacros.h>

/* Calls a callback, or returns PST_BACKING if it is NULL. */
#define CALL(NAME, ...) (ops->NAME ? ops->NAME(&s->request, ##__VA_ARGS__) : PST_BACKING)

#define CALLER(NAME) int64_t serve_call_##NAME(const struct pst_node_ops *ops, struct serving *s)

static const void *arg_of(const struct serving *s)
{
	return s->req->msg.arg;
}

static const char *name_of(const struct serving *s, int i)
{
	return s->req->msg.name[i];
}

CALLER(lookup)
{
	/* An NFS server looks up "." and ".."; the reply to "." is that of getattr(). */
	if (strcmp(name_of(s, 0), ".") == 0)
		return serve_call_getattr(ops, s);
	return name_is_dots(name_of(s, 0)) ? -ESTALE : CALL(lookup, name_of(s, 0), &s->entry);
}

/* The files of a program without getattr() keep the attributes of their entries. */
CALLER(getattr)
{
	const struct req *req = s->req;

	if (!ops->getattr && node_has_no_lower(req->node))
		return fs_entry_attr(req->fs, req->node, &s->stx);
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
	uint16_t type = (uint16_t)s->file.type;

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
	/* A change of the owner always clears them; so does an empty change before a write. */
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

	uint32_t mode = S_IFREG | (in->mode & 07777 & ~(in->umask & 0777));

	return CALL(create, name_of(s, 0), mode, (int)in->flags, &s->entry, &s->opened);
}

CALLER(tmpfile)
{
	const struct fuse_create_in *in = arg_of(s);

	return CALL(tmpfile, S_IFREG | (in->mode & 07777 & ~(in->umask & 0777)), (int)in->flags,
		    &s->entry, &s->opened);
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

	if (!S_ISREG(s->file.type))
		return PST_BACKING;
	s->request.clears_set_ids = !!(in->open_flags & FUSE_OPEN_KILL_SUIDGID);
	return CALL(open, (int)in->flags, &s->opened);
}

CALLER(read)
{
	const struct fuse_read_in *in = arg_of(s);

	return CALL(read, s->req->data, serve_room(s, in->size), in->offset);
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

/* The reply to the older form has room for 32 bits of the length only. */
CALLER(copy)
{
	const struct fuse_copy_file_range_in *in = arg_of(s);
	const struct req *req = s->req;
	bool wide = req->msg.head->opcode == FUSE_COPY_FILE_RANGE_64;
	size_t len = !wide && in->len > OP_COPY_MAX ? OP_COPY_MAX : in->len;

	if (in->flags)
		return -EINVAL;
	if (!req->handle->served || !req->handle2->served)
		return PST_BACKING;
	return CALL(copy_file_range, in->off_in, in->off_out, len);
}

/* Without FUSE_IOCTL_UNRESTRICTED, the command says the size of its argument. */
CALLER(ioctl)
{
	const struct fuse_ioctl_in *in = arg_of(s);
	size_t out_size = serve_room(s, in->out_size);

	if (in->flags & FUSE_IOCTL_UNRESTRICTED)
		return -ENOTTY;
	memset(s->req->data, 0, out_size);
	return CALL(ioctl, in->cmd, s->req->msg.data, s->req->msg.data_len, s->req->data, out_size);
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

void serve_release(struct req *req, struct node *node)
{
	struct serving *s = req->serving;

	fs_describe(req->fs, node, &s->fh, &s->file);
	s->request.handle = s->opened.handle;
	fs_program_lock(req->fs);
	serve_call_release(&req->host->served->ops, s);
	fs_program_unlock(req->fs);
}

CALLER(readdir)
{
	const struct fuse_read_in *in = arg_of(s);

	uint64_t at = serve_list_offset(s->req->node, in->offset);

	s->listing.len = s->listing.n_numbered = 0;
	s->listing.n_before = at;
	s->listing.off = in->offset;
	s->listing.room = serve_room(s, in->size);
	s->listing.entries = s->req->msg.head->opcode == FUSE_READDIRPLUS;
	return CALL(readdir, at, &s->listing);
}

CALLER(getxattr)
{
	const struct fuse_getxattr_in *in = arg_of(s);
	size_t size = serve_room(s, in->size);

	return CALL(getxattr, name_of(s, 0), size ? s->req->data : NULL, size);
}

CALLER(listxattr)
{
	const struct fuse_getxattr_in *in = arg_of(s);
	size_t size = serve_room(s, in->size);

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

/* For operations that no program can answer: files without a lower file fail with .none. */
CALLER(nothing)
{
	(void)ops;
	(void)s;
	return PST_BACKING;
}
