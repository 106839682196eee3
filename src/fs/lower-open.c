// SPDX-License-Identifier: LGPL-2.1-or-later
/* Stats and opens the lower file of a node or handle. No locks. */
#include "fs/fs-private.h"
#include "util/cleanup.h"
#include "util/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

bool fs_is_remote(const struct fs *fs)
{
	return atomic_load_explicit(&fs->remote, memory_order_relaxed);
}

int lower_stat(int fd, struct statx *ret_stx)
{
	return statx(fd, "", AT_EMPTY_PATH, STX_MASK, ret_stx) < 0 ? -errno : 0;
}

int lower_chmod(int fd, uint32_t mode)
{
	if (syscall(SYS_fchmodat2, fd, "", mode & 07777, AT_EMPTY_PATH) == 0)
		return 0;
	if (errno != ENOSYS)
		return -errno;
	return chmod(fd_path(fd).text, mode & 07777) < 0 ? -errno : 0;
}

int lower_stat_as_caller(struct fs *fs, struct node *node, int fd, struct statx *ret_stx)
{
	_cleanup_(creds_leavep) struct creds_scope scope = CREDS_NONE;
	int r = lower_enter(fs, node, &scope);

	return r < 0 ? r : lower_stat(fd, ret_stx);
}

bool lower_is_automount(int fd)
{
	struct statx stx;

	return statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &stx) == 0 &&
	       (stx.stx_attributes & STATX_ATTR_AUTOMOUNT);
}

int lower_node_stat(struct fs *fs, struct node *node, struct statx *ret_stx)
{
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	int r = fdref_get(fs->fds, node, &ref);

	return r < 0 ? r : lower_stat(ref.fd, ret_stx);
}

int lower_openat(struct fs *fs, int dir_fd, const char *name, int flags, uint32_t mode)
{
	int fd = openat(dir_fd, name, flags | O_CLOEXEC, mode);

	if (fd < 0 && errno == EMFILE) {
		fdcache_trim(fs->fds);
		fd = openat(dir_fd, name, flags | O_CLOEXEC, mode);
	}
	return fd < 0 ? -errno : fd;
}

/* Flags that have no effect on, or must not be used for, a lower file that exists. */
#define FLAGS_NOT_BELOW (O_CREAT | O_EXCL | O_NOCTTY | O_NOFOLLOW | O_DIRECTORY | O_TMPFILE)

static int open_once(struct fs *fs, struct node *node, int flags)
{
	if (!(node->flags & NODE_OWN_FD))
		return node_open(fs->nodes, node, flags);
	return fd_reopen((int)node->fd_slot, flags);
}

/* Opens the file as the caller, by /proc: opening by handle takes a capability of the daemon. */
static int open_as_caller(struct fs *fs, struct node *node, int flags)
{
	_cleanup_(creds_leavep) struct creds_scope scope = CREDS_NONE;
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	int r = fdref_get(fs->fds, node, &ref);

	if (r == 0)
		r = lower_enter(fs, node, &scope);
	if (r < 0)
		return r;
	return lower_openat(fs, AT_FDCWD, fd_path(ref.fd).text, flags, 0);
}

static int open_somehow(struct fs *fs, struct node *node, int flags)
{
	return lower_checks_caller(fs, node) ? open_as_caller(fs, node, flags) :
					       open_once(fs, node, flags);
}

static __thread bool may_wait;

void fs_thread_may_wait(bool may)
{
	may_wait = may;
}

bool lower_may_wait(void)
{
	return may_wait;
}

/*
 * If another process has a lease on the file, open(2) waits until that process has given up the
 * lease, 45 seconds at most by default. A thread that may not wait opens with O_NONBLOCK, which has
 * no other effect on regular files. So the descriptor keeps the flag, except on remote file
 * systems, which may send the flag to the server.
 */
static int open_in_time(struct fs *fs, struct node *node, int flags)
{
	int fd;

	if (may_wait || !S_ISREG(node->type) || (flags & O_NONBLOCK))
		return open_somehow(fs, node, flags);
	fd = open_somehow(fs, node, flags | O_NONBLOCK);
	if (fd == -EAGAIN)
		return FS_WOULD_WAIT;
	if (fd >= 0 && fs_is_remote(fs))
		fcntl(fd, F_SETFL, flags);
	return fd;
}

int lower_open(struct fs *fs, struct node *node, int flags)
{
	int fd;

	flags &= ~FLAGS_NOT_BELOW;
	fd = open_in_time(fs, node, flags);
	if (fd == -EMFILE) {
		fdcache_trim(fs->fds);
		fd = open_in_time(fs, node, flags);
	}
	/* An append-only file needs O_APPEND at the open; but each write brings its own offset. */
	if (fd >= 0 && (flags & O_APPEND))
		fcntl(fd, F_SETFL, flags & ~O_APPEND);
	return fd;
}

int lower_open_path(struct fs *fs, struct node *node)
{
	return open_once(fs, node, O_PATH | O_NOFOLLOW);
}

bool lower_to_handle(struct fs *fs, struct handle *handle, int fd)
{
	int none = -1;

	/* Before the exchange: after it, another thread may free the handle and put the share. */
	fair_share_take(&fs->open_fds, handle->uid);
	if (atomic_compare_exchange_strong(&handle->fd, &none, fd))
		return true;
	fair_share_put(&fs->open_fds, handle->uid);
	return false;
}

/*
 * Holds no lock while it opens the file, because that may take long. If two threads open it at the
 * same time, one of them closes its descriptor again.
 */
int lower_of_handle(struct fs *fs, struct handle *handle)
{
	int fd = atomic_load_explicit(&handle->fd, memory_order_acquire);

	if (fd >= 0)
		return fd;
	if (!fair_share_has_room(&fs->open_fds, handle->uid))
		return -EMFILE;
	fd = lower_open(fs, handle->node, handle->flags & ~O_TRUNC);
	if (fd < 0 || lower_to_handle(fs, handle, fd))
		return fd;
	fd_close(fd);
	return handle->fd;
}
