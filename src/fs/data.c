// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Data of files that are served, and the data operations that the kernel never passes through.
 *
 * The lower descriptor has no O_APPEND. A write by a caller appends (RWF_APPEND) at the true end of
 * the lower file, which may differ from the size that the kernel has cached; a write from the page
 * cache goes to the offset of its page. No locks.
 */
#include "fs/creds.h"
#include "fs/fs-private.h"
#include "fs/hollow-private.h"
#include "util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

/*
 * Sets O_DIRECT of the lower descriptor as in flags, because F_SETFL in the view can change it
 * after the open.
 */
static int follow_flags(struct handle *handle, int fd, int flags)
{
	bool direct = flags & O_DIRECT;
	int now;

	if (direct == atomic_load_explicit(&handle->direct, memory_order_relaxed))
		return 0;
	now = fcntl(fd, F_GETFL);
	if (now < 0 || fcntl(fd, F_SETFL, (now & ~O_DIRECT) | (flags & O_DIRECT)) < 0)
		return -errno;
	handle->direct = direct;
	return 0;
}

/*
 * Returns true for a valid offset. To preadv2(2) and pwritev2(2), -1 means the descriptor's own
 * offset.
 */
static bool is_offset(uint64_t off)
{
	return off <= INT64_MAX;
}

ssize_t fs_read(struct fs *fs, struct handle *handle, char *buf, size_t size, uint64_t off,
		int flags, bool nowait)
{
	_cleanup_(creds_leavep) struct creds_scope scope = CREDS_NONE;
	struct iovec iov = { .iov_base = buf, .iov_len = size };
	int fd = lower_of_handle(fs, handle);
	ssize_t n;
	int r;

	if (fd < 0)
		return fd;
	if ((handle->flags & O_ACCMODE) == O_WRONLY)
		return -EBADF;
	if (!is_offset(off))
		return -EINVAL;
	r = follow_flags(handle, fd, flags);
	if (r == 0)
		r = lower_enter(fs, handle->node, &scope);
	if (r < 0)
		return r;
	n = preadv2(fd, &iov, 1, (off_t)off, nowait ? RWF_NOWAIT : 0);
	return n < 0 ? -errno : n;
}

static ssize_t write_all(int fd, const struct fs_write *write, int rwf)
{
	size_t done = 0;

	while (done < write->size) {
		struct iovec iov = {
			.iov_base = (char *)write->buf + done,
			.iov_len = write->size - done,
		};
		ssize_t n = pwritev2(fd, &iov, 1, (off_t)(write->off + done), rwf);

		if (n < 0 && errno == EINTR)
			continue;
		/*
		 * When the kernel writes pages back, it ignores the length of the reply, so an
		 * incomplete write must be an error, or data would be lost.
		 */
		if (n < 0)
			return done && !write->all ? (ssize_t)done : -errno;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

/* Takes the caller's identity for a change of data, as creds_enter_writer() describes. */
static int enter_writer(struct fs *fs, const struct fs_caller *caller, const struct node *node,
			bool kill, int fd, struct creds_scope *scope)
{
	uint32_t hidden = set_id_hidden(node);
	int r = lower_enter(fs, node, scope);
	struct stat st;

	if (r < 0 || scope->entered)
		return r;
	if ((caller->uid == 0 || caller->unknown) && !kill && !hidden)
		return 0;
	if (fstat(fd, &st) < 0)
		return -errno;
	return creds_enter_writer(caller, kill || (st.st_mode & hidden), st.st_mode, st.st_gid,
				  scope);
}

ssize_t fs_write(struct fs *fs, const struct fs_caller *caller, struct handle *handle,
		 const struct fs_write *write)
{
	_cleanup_(creds_leavep) struct creds_scope scope = CREDS_NONE;
	int fd = lower_of_handle(fs, handle), rwf = 0, r;

	if (fd < 0)
		return fd;
	if (!is_offset(write->off))
		return -EINVAL;
	r = follow_flags(handle, fd, write->flags);
	if (r < 0)
		return r;
	r = write->kill ? authority_written(fs, caller, handle->node, fd) : 0;
	/*
	 * A page that is written back has no caller: the lower file system checks the identity with
	 * which the descriptor was opened.
	 */
	if (r == 0 && !(write->from_cache && lower_checks_caller(fs, handle->node)))
		r = enter_writer(fs, caller, handle->node, write->kill, fd, &scope);
	if (r < 0)
		return r;
	if (!write->from_cache) {
		if (write->flags & O_APPEND)
			rwf |= RWF_APPEND;
		if (fs->config.sync || (write->flags & O_SYNC) == O_SYNC)
			rwf |= RWF_SYNC;
		else if (write->flags & O_DSYNC)
			rwf |= RWF_DSYNC;
	}
	return write_all(fd, write, rwf);
}

int data_flush(struct fs *fs, struct handle *handle)
{
	_cleanup_(creds_leavep) struct creds_scope scope = CREDS_NONE;
	int fd, r;

	if (!lower_checks_caller(fs, handle->node) || (handle->flags & O_ACCMODE) == O_RDONLY)
		return 0;
	fd = lower_of_handle(fs, handle);
	if (fd < 0)
		return fd;
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return -errno;
	r = lower_enter(fs, handle->node, &scope);
	if (close(fd) < 0 && r == 0)
		r = -errno;
	return r;
}

int fs_fsync(struct fs *fs, struct handle *handle, bool data_only)
{
	_cleanup_(creds_leavep) struct creds_scope scope = CREDS_NONE;
	bool in_pieces;
	int fd = lower_of_handle(fs, handle), r;

	if (fd < 0)
		return fd;
	r = lower_enter(fs, handle->node, &scope);
	if (r < 0)
		return r;
	in_pieces = fs->config.instance && !fs_is_whole(handle->node);
	/* fdatasync(2) leaves out the record of the pieces, so a fetch could overwrite the data. */
	r = (data_only && !in_pieces ? fdatasync(fd) : fsync(fd)) < 0 ? -errno : 0;
	if (r < 0 && in_pieces)
		pieces_lost(fs, fd);
	return r;
}

int fs_fallocate(struct fs *fs, const struct fs_caller *caller, struct handle *handle, int mode,
		 uint64_t off, uint64_t len)
{
	_cleanup_(creds_leavep) struct creds_scope scope = CREDS_NONE;
	int fd = lower_of_handle(fs, handle), r;

	if (fd < 0)
		return fd;
	r = enter_writer(fs, caller, handle->node, false, fd, &scope);
	if (r < 0)
		return r;
	return fallocate(fd, mode, (off_t)off, (off_t)len) < 0 ? -errno : 0;
}

int fs_lseek(struct fs *fs, struct handle *handle, int64_t off, int whence, int64_t *ret_off)
{
	_cleanup_(creds_leavep) struct creds_scope scope = CREDS_NONE;
	int fd = lower_of_handle(fs, handle), r;
	off_t at;

	if (fd < 0)
		return fd;
	r = lower_enter(fs, handle->node, &scope);
	if (r < 0)
		return r;
	at = pieces_seek(fs, handle->node, fd, off, whence);
	if (at < 0)
		return (int)at;
	*ret_off = at;
	return 0;
}

ssize_t fs_copy(struct fs *fs, const struct fs_caller *caller, struct handle *from,
		uint64_t from_off, struct handle *to, uint64_t to_off, uint64_t len,
		unsigned int flags)
{
	_cleanup_(creds_leavep) struct creds_scope scope = CREDS_NONE;
	int in = lower_of_handle(fs, from), out = lower_of_handle(fs, to);
	off_t in_off = (off_t)from_off, out_off = (off_t)to_off;
	ssize_t n;
	int r;

	if (in < 0)
		return in;
	if (out < 0)
		return out;
	r = enter_writer(fs, caller, to->node, false, out, &scope);
	if (r < 0)
		return r;
	n = copy_file_range(in, &in_off, out, &out_off, len, flags);
	if (n < 0)
		return -errno;
	/* Reading has changed the atime; the kernel invalidates only attributes of the target. */
	shadow_drop(fs, from->node);
	return n;
}
