// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Opens, creates and closes files.
 *
 * A file whose data passes through needs no descriptor of the daemon: the kernel itself opens the
 * backing file for each open. But the kernel does not check there if the file is immutable, runs as
 * a program (ETXTBSY), or supports O_DIRECT, as open(2) does. So for writing, or with O_DIRECT, the
 * daemon first tries to open the lower file. Some operations on an open file make a request all the
 * same (fsync, fallocate, fadvise, ...); the first of them opens the lower file. No locks of its
 * own.
 */
#include "fs/creds.h"
#include "fs/fs-private.h"
#include "fs/hollow-private.h"
#include "util/cleanup.h"
#include "util/fd.h"

#include <errno.h>
#include <fcntl.h>

/*
 * Flags that are left out when the lower file is created: they have no effect on a new file, and
 * each write brings its own offset instead of O_APPEND.
 */
#define FLAGS_NOT_MADE (O_CREAT | O_NOCTTY | O_NOFOLLOW | O_DIRECTORY | O_APPEND)

/* In the flags of an open by execve(2), and of no other: __FMODE_EXEC of the kernel. */
#define FLAG_EXEC 0x20

static bool wants_write(int flags)
{
	return (flags & O_ACCMODE) != O_RDONLY;
}

/*
 * Opens the lower file, to get the errors of open(2). Returns 0 or -errno; sets *ret_fd to the
 * descriptor, which the caller owns, or to -1 if no trial is needed.
 */
static int try_lower(struct fs *fs, const struct fs_caller *caller, struct node *node, int flags,
		     bool kill, int *ret_fd)
{
	_cleanup_(creds_leavep) struct creds_scope scope = CREDS_NONE;
	int r;

	*ret_fd = -1;
	if (!wants_write(flags) && !(flags & (O_DIRECT | O_TRUNC)) && fs->config.passthrough &&
	    !lower_checks_caller(fs, node))
		return 0;
	if (flags & O_TRUNC) {
		_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
		struct statx stx;

		r = fdref_get(fs->fds, node, &ref);
		if (r == 0 && kill)
			r = authority_written(fs, caller, node, ref.fd);
		if (r == 0)
			r = lower_stat(ref.fd, &stx);
		/*
		 * If the lower file system checks the caller, lower_open() takes the identity of
		 * all callers but root.
		 */
		if (r == 0 && (caller->uid == 0 || !lower_checks_caller(fs, node)))
			r = creds_enter_writer(caller, kill || (stx.stx_mode & set_id_hidden(node)),
					       stx.stx_mode, stx.stx_gid, &scope);
		if (r < 0)
			return r;
	}
	r = lower_open(fs, node, flags);
	if (r == -EACCES && (flags & FLAG_EXEC) && lower_mount(fs, node)->checks_ids)
		r = owner_open_program(fs, node);
	if (r < 0)
		return r;
	*ret_fd = r;
	return 0;
}

/*
 * Clears the set-ID bits that the view hides, in the file and in *st, if the open allows a mapping
 * whose stores would have to clear them. Returns 0 or -errno.
 */
static int clear_hidden(const struct node *node, int flags, int fd, struct stat *st)
{
	uint32_t hidden = st->st_mode & set_id_hidden(node);
	int r;

	if (!hidden || (flags & O_ACCMODE) != O_RDWR)
		return 0;
	r = lower_chmod(fd, st->st_mode & ~hidden);
	if (r == 0)
		st->st_mode &= ~hidden;
	return r;
}

/*
 * Creates a handle of a node. Takes ownership of fd_taken, the descriptor of the lower file, even
 * on failure; it may be -1, and st->st_mode is then 0. Returns 0 or -errno.
 */
static int open_node(struct fs *fs, struct node *node, int flags, int fd_taken,
		     const struct stat *st, struct fs_open *ret_open)
{
	_cleanup_(fd_closep) int fd = fd_taken;
	struct fs_open open = { 0 };
	int r;

	r = handle_new(fs->handles, node, flags, creds_serving_uid(), &open.handle);
	if (r < 0)
		return r;
	r = passthrough_open(fs, node, st, flags, &open);
	if (r < 0) {
		handle_put(fs->handles, open.handle);
		return r;
	}
	attr_opened(fs, node, flags, open.mode);
	open.handle->io_mode = (uint8_t)open.mode;
	if (fd < 0 && open.mode != IO_PASSTHROUGH) {
		fd = lower_open(fs, node, flags & ~O_TRUNC);
		if (fd < 0) {
			fs_release(fs, open.handle);
			handle_put(fs->handles, open.handle);
			return take_fd(&fd);
		}
	}
	/*
	 * With passthrough the descriptor is closed, because it would prevent leases of other
	 * processes. If the lower file system checks the caller, the descriptor is kept: a later
	 * open might run as another caller.
	 */
	if (open.mode != IO_PASSTHROUGH || lower_checks_caller(fs, node))
		lower_to_handle(fs, open.handle, take_fd(&fd));
	open.no_flush = fs->config.locks == PST_LOCKS_LOCAL &&
			!(wants_write(flags) && lower_checks_caller(fs, node));
	/*
	 * Dropping the pages of a file that is fetched in pieces would wait for all reads of the
	 * file, and is not needed, because processes below must not change such a file.
	 */
	open.keep_cache = open.keep_cache && !(flags & O_TRUNC) &&
			  (fs->config.cache == PST_CACHE_EXCLUSIVE ||
			   (fs->config.instance && !fs_is_whole(node)));
	*ret_open = open;
	return 0;
}

int fs_may_open(struct fs *fs, const struct fs_caller *caller)
{
	return fair_share_has_room(&fs->open_fds, caller->uid) ? 0 : -EMFILE;
}

int fs_open(struct fs *fs, const struct fs_caller *caller, struct node *node, int flags, bool kill,
	    struct fs_open *ret_open)
{
	struct stat st = { 0 };
	int fd = -1, r;

	/* The kernel opens pipes and devices itself. Here, the open of a pipe could block. */
	if (!S_ISREG(node->type))
		return -ENXIO;
	/* Check now: when passthrough_open() refuses the open, O_TRUNC has removed the data. */
	if ((flags & O_TRUNC) && fs_bypasses(fs, node))
		return -EBUSY;
	shadow_revalidate(fs, node);
	/* Until attr_opened() counts the open. */
	if (wants_write(flags))
		attr_writer_begins(node);
	r = try_lower(fs, caller, node, flags, kill, &fd);
	if (fd >= 0 && fstat(fd, &st) < 0)
		st.st_mode = 0;
	if (r == 0)
		r = clear_hidden(node, flags, fd, &st);
	if (r < 0) {
		fd_close(fd);
	} else {
		r = open_node(fs, node, flags, fd, &st, ret_open);
		/* O_TRUNC has changed the mode, or removed the data although the open failed. */
		if ((flags & O_TRUNC) && (kill || r < 0))
			shadow_drop(fs, node);
	}
	if (wants_write(flags))
		attr_writer_ends(node);
	return r;
}

/*
 * Creates the node and the handle of a file that was just created. Takes ownership of fd_taken, its
 * descriptor, even on failure. Returns 0 or -errno.
 */
static int open_made(struct fs *fs, const struct fs_caller *caller, struct node *dir, int fd_taken,
		     int flags, struct fs_entry *ret_entry, struct fs_open *ret_open)
{
	_cleanup_(fd_closep) int fd = fd_taken;
	struct fs_entry entry;
	struct stat st = { 0 };
	int path_fd, r;

	r = lookup_fd(fs, dir, fd, &entry);
	if (r < 0)
		return r;
	attr_node_created(entry.node);
	hollow_set_whole(entry.node);
	/* Before the open, because the filters of the file decide its I/O mode. */
	filter_node_set(&entry.node->filter, caller->filters, caller->known_filters);
	/*
	 * Cache a descriptor, because another process may remove the name immediately, and a file
	 * without a name cannot be opened by its handle.
	 */
	path_fd = fd_reopen(fd, O_PATH);
	if (path_fd >= 0)
		fdcache_offer(fs->fds, entry.node, path_fd);
	/* Filters may still show another owner; then writes must clear the set-ID bits. */
	st.st_mode = entry.attr.stx.stx_mode;
	if (lower_checks_caller(fs, entry.node) && fstat(fd, &st) < 0)
		st.st_mode = 0;
	if (caller->filters)
		st.st_mode = S_IFREG;
	r = open_node(fs, entry.node, flags, take_fd(&fd), &st, ret_open);
	if (r < 0) {
		node_put(fs->nodes, entry.node);
		return r;
	}
	/* Computed again, because the file can be mapped now. */
	entry.attr.attr_ns = attr_timeout(fs, entry.node);
	*ret_entry = entry;
	return 0;
}

/* Creates a file in a lower directory as the caller. Returns a new descriptor or -errno. */
static int create_below(struct fs *fs, const struct fs_caller *caller, struct node *dir,
			const char *name, int flags, uint32_t mode)
{
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	_cleanup_(creds_leavep) struct creds_scope scope = CREDS_NONE;
	int r = fdref_get(fs->fds, dir, &ref);

	if (r < 0)
		return r;
	creds_umask(caller->umask);
	r = lower_enter_maker(fs, dir, caller, &scope);
	return r < 0 ? r : lower_openat(fs, ref.fd, name, flags, mode);
}

int fs_create(struct fs *fs, const struct fs_caller *caller, struct node *dir, const char *name,
	      int flags, uint32_t mode, struct fs_entry *ret_entry, struct fs_open *ret_open)
{
	/*
	 * Always O_EXCL, because the kernel has not checked permissions of a file that exists.
	 * After ESTALE the kernel tries again with LOOKUP and OPEN.
	 */
	int lower_flags = (flags & ~FLAGS_NOT_MADE) | O_CREAT | O_EXCL | O_NOFOLLOW;
	int fd = create_below(fs, caller, dir, name, lower_flags, mode), r;

	if (fd < 0)
		return fd == -EEXIST && !(flags & O_EXCL) ? -ESTALE : fd;
	fs_listing_changed(fs, dir);
	r = open_made(fs, caller, dir, fd, flags, ret_entry, ret_open);
	if (r == 0)
		namecache_put(&fs->names, dir, name, ret_entry->node->id);
	else
		fs_invalidate(fs, dir, name);
	return r;
}

int fs_tmpfile(struct fs *fs, const struct fs_caller *caller, struct node *dir, int flags,
	       uint32_t mode, struct fs_entry *ret_entry, struct fs_open *ret_open)
{
	int lower_flags = (flags & ~FLAGS_NOT_MADE) | O_TMPFILE;
	int fd = create_below(fs, caller, dir, ".", lower_flags, mode), r;

	if (fd < 0)
		return fd;
	r = open_made(fs, caller, dir, fd, flags, ret_entry, ret_open);
	if (r == 0)
		unnamed_keep(fs, ret_entry->node);
	return r;
}

int fs_release(struct fs *fs, struct handle *handle)
{
	uint64_t fh = handle_fh(handle);

	if (atomic_exchange(&handle->closed, true))
		return -EBADF;
	if (handle->dir)
		return 0;
	if (fs->config.locks == PST_LOCKS_LOWER)
		locks_drop(fs, handle->node, NULL, &fh);
	attr_released(handle->node, handle->flags, handle->io_mode);
	passthrough_close(fs, handle->node);
	return 0;
}
