// SPDX-License-Identifier: LGPL-2.1-or-later
/* Operations that open files, and operations on open files. */
#include "filter/apply.h"
#include "request/deferred.h"
#include "request/filter-adapter.h"
#include "request/served.h"
#include "request/source-gate.h"
#include "util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>

int op_open(struct req *req)
{
	const struct fuse_open_in *in = req->msg.arg;

	return fs_open(req->fs, &req->caller, req->node, (int)in->flags,
		       in->open_flags & FUSE_OPEN_KILL_SUIDGID, &req->open);
}

int op_create(struct req *req)
{
	const struct fuse_create_in *in = req->msg.arg;

	req->caller.umask = in->umask & 0777;
	return fs_create(req->fs, &req->caller, req->node, req->msg.name[0], (int)in->flags,
			 in->mode & 07777, &req->entry, &req->open);
}

int op_tmpfile(struct req *req)
{
	const struct fuse_create_in *in = req->msg.arg;

	req->caller.umask = in->umask & 0777;
	return fs_tmpfile(req->fs, &req->caller, req->node, (int)in->flags, in->mode & 07777,
			  &req->entry, &req->open);
}

int op_opendir(struct req *req)
{
	int r = fs_opendir(req->fs, req->node, &req->open);

	/* The kernel would keep names of a program that have changed. */
	if (r == 0 && req->host->served && (fs_answers(req->fs, req->node) & PST_ANSWERS_READDIR))
		req->open.cache_dir = req->open.keep_cache = false;
	return r;
}

int op_release(struct req *req)
{
	int r = fs_release(req->fs, req->handle);

	/* Puts the reference that the kernel had by the open; the request has its own. */
	if (r == 0)
		fs_handle_put(req->fs, req->handle);
	return r;
}

int op_flush(struct req *req)
{
	const struct fuse_flush_in *in = req->msg.arg;

	return fs_flush(req->fs, req->handle, in->lock_owner);
}

/*
 * Reads until size bytes are there, because the kernel treats a short reply as the end of the file.
 * A worker does not wait for data that is not in memory: it hands the request to the pool.
 */
int op_read(struct req *req)
{
	const struct fuse_read_in *in = req->msg.arg;
	size_t size = in->size < req->slot.data_size ? in->size : req->slot.data_size;
	size_t done = 0;

	while (done < size) {
		ssize_t n = fs_read(req->fs, req->handle, req->data + done, size - done,
				    in->offset + done, (int)in->flags, !req->in_pool);

		if (n == -EINTR)
			continue;
		if (!req->in_pool && (n == -EAGAIN || n == -EOPNOTSUPP))
			return REQ_TO_POOL;
		if (n < 0)
			return done ? 0 : (int)n;
		if (n == 0)
			break;
		done += (size_t)n;
		req->data_len = done;
	}
	return 0;
}

/*
 * Runs the post programs of a READ. Sets *ret_end if the lower file ends here and the programs have
 * not shortened the data.
 */
static int read_filtered(struct req *req, int r, bool answered, bool *ret_end)
{
	const struct fuse_read_in *in = req->msg.arg;
	size_t was = req->data_len;
	bool short_below = !answered && was < in->size;

	r = adapter_after(req, r);
	*ret_end = short_below && req->data_len >= was;
	return r;
}

/* Reads size bytes at off as one more READ: all programs run for it. */
static int read_piece(struct req *req, uint64_t off, uint32_t size, bool *ret_end)
{
	struct fuse_read_in *in = req->msg.arg;
	int r;

	in->offset = off;
	in->size = size;
	req->call.ran = req->call.decided = 0;
	req->data = slot_data(&req->slot);
	req->data_len = 0;
	r = adapter_before(req);
	adapter_wait(req);
	/* The request cannot wait for a part of a hollow file any more. */
	if (r == 0 && req->host->source && source_gate(req) != 0)
		return -EIO;
	if (r == 0)
		return read_filtered(req, req->handle->served ? serve_now(req) : op_read(req),
				     false, ret_end);
	return read_filtered(req, r == APPLY_DONE ? 0 : r, true, ret_end);
}

/* Reads further pieces of a READ, whose first one is req->data, and joins them as the reply. */
static int read_pieces(struct req *req, uint64_t off, uint32_t size)
{
	_cleanup_(freep) char *all = malloc(size);
	bool end = false, in_pool = req->in_pool;
	size_t done = 0;
	int r = all ? 0 : -ENOMEM;

	/* The programs have run, so the request cannot go to the pool: wait for the disk here. */
	req->in_pool = true;
	while (r == 0) {
		memcpy(all + done, req->data, req->data_len);
		done += req->data_len;
		if (end || !req->data_len || done == size)
			break;
		r = read_piece(req, off + done, size - (uint32_t)done, &end);
	}
	req->in_pool = in_pool;
	if (r < 0)
		return r;
	memcpy(req->data, all, done);
	req->data_len = done;
	return 0;
}

int op_read_post(struct req *req, int r, bool answered)
{
	const struct fuse_read_in came = req->saved->call.orig.read;
	uint32_t size = came.size < req->slot.data_size ? came.size : (uint32_t)req->slot.data_size;
	bool end;

	r = read_filtered(req, r, answered, &end);
	/* Requests with a lock owner come from read(2) and the like, which may return less. */
	if (r < 0 || end || req->data_len == size || (came.read_flags & FUSE_READ_LOCKOWNER))
		return r;
	return read_pieces(req, came.offset, size);
}

int op_write(struct req *req)
{
	const struct fuse_write_in *in = req->msg.arg;
	struct fs_write write = {
		.buf = req->msg.data,
		.size = req->msg.data_len,
		.off = in->offset,
		.flags = (int)in->flags,
		.from_cache = in->write_flags & FUSE_WRITE_CACHE,
		/* A request that holds the file may write pieces that were never fetched. */
		.all = (in->write_flags & FUSE_WRITE_CACHE) || req->held,
		.kill = in->write_flags & FUSE_WRITE_KILL_SUIDGID,
	};
	ssize_t n = fs_write(req->fs, &req->caller, req->handle, &write);
	struct fuse_write_out *out;

	if (n < 0)
		return (int)n;
	out = req_out(req, sizeof(*out));
	out->size = (uint32_t)n;
	return 0;
}

int op_fsync(struct req *req)
{
	const struct fuse_fsync_in *in = req->msg.arg;

	return fs_fsync(req->fs, req->handle, in->fsync_flags & FUSE_FSYNC_FDATASYNC);
}

int op_fallocate(struct req *req)
{
	const struct fuse_fallocate_in *in = req->msg.arg;

	return fs_fallocate(req->fs, &req->caller, req->handle, (int)in->mode, in->offset,
			    in->length);
}

int op_lseek(struct req *req)
{
	const struct fuse_lseek_in *in = req->msg.arg;
	struct fuse_lseek_out *out;
	int64_t off;
	int r = fs_lseek(req->fs, req->handle, (int64_t)in->offset, (int)in->whence, &off);

	if (r < 0)
		return r;
	out = req_out(req, sizeof(*out));
	out->offset = (uint64_t)off;
	return 0;
}

int op_copy(struct req *req)
{
	const struct fuse_copy_file_range_in *in = req->msg.arg;
	bool wide = req->msg.head->opcode == FUSE_COPY_FILE_RANGE_64;
	uint64_t len = !wide && in->len > OP_COPY_MAX ? OP_COPY_MAX : in->len;
	ssize_t n;

	/* The bytes are those that read() of the program returns: the caller copies them. */
	if (req->handle->served || req->handle2->served)
		return -EXDEV;
	if (req->host->source)
		len = source_gate_copies(req, len);
	if (in->flags > UINT32_MAX)
		return -EINVAL;
	n = fs_copy(req->fs, &req->caller, req->handle, in->off_in, req->handle2, in->off_out, len,
		    (unsigned int)in->flags);
	if (n < 0)
		return (int)n;
	op_copy_encode(req, (uint64_t)n);
	return 0;
}

int op_ioctl(struct req *req)
{
	const struct fuse_ioctl_in *in = req->msg.arg;
	size_t out_size = in->out_size < req->slot.data_size ? in->out_size : req->slot.data_size;
	int r;

	/* The lower file system cannot know that a "long" of a 32-bit program has 4 bytes. */
	if (in->flags & FUSE_IOCTL_UNRESTRICTED)
		return -ENOTTY;
	/* FITRIM is the only command that takes long. */
	if (in->cmd == FITRIM && !req->in_pool)
		return REQ_TO_POOL;
	r = fs_ioctl(req->fs, req->handle, in->cmd, req->msg.data, req->msg.data_len, req->data,
		     out_size, &req->data_len);
	if (r < 0)
		return r;
	req_out(req, sizeof(struct fuse_ioctl_out));
	return 0;
}

static struct fs_lock lock_of(const struct fuse_lk_in *in)
{
	return (struct fs_lock){
		.owner = in->owner,
		.start = in->lk.start,
		.end = in->lk.end,
		.type = (int)in->lk.type,
		.pid = in->lk.pid,
		.flock = in->lk_flags & FUSE_LK_FLOCK,
	};
}

int op_getlk(struct req *req)
{
	struct fs_lock lock = lock_of(req->msg.arg);
	struct fuse_lk_out *out;
	int r = fs_getlk(req->fs, req->handle, &lock);

	if (r < 0)
		return r;
	out = req_out(req, sizeof(*out));
	out->lk = (struct fuse_file_lock){
		.start = lock.start,
		.end = lock.end,
		.type = (uint32_t)lock.type,
		.pid = lock.pid,
	};
	return 0;
}

int op_setlk(struct req *req)
{
	struct fs_lock lock = lock_of(req->msg.arg);
	struct fs_waiter *waiter;
	int r = fs_setlk(req->fs, req->handle, &lock, NULL);

	/* Only a lock that waits needs a deferred reply, so an unlock always succeeds. */
	if (r != -EAGAIN || req->msg.head->opcode != FUSE_SETLKW)
		return r;
	waiter = deferred_new(req);
	if (!waiter)
		return -ENOLCK;
	r = fs_setlk(req->fs, req->handle, &lock, waiter);
	if (r != FS_LATER)
		deferred_cancel(req);
	return r;
}

int op_interrupt(struct req *req)
{
	const struct fuse_interrupt_in *in = req->msg.arg;

	fs_interrupt(req->fs, in->unique);
	req->host->interrupt(req->host, in->unique);
	if (req->host->served)
		served_interrupt(req->host->served, in->unique);
	return 0;
}

int op_destroy(struct req *req)
{
	fs_shutdown(req->fs);
	return 0;
}
