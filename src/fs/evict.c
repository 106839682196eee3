// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Makes a filled file hollow again. HOLLOW_FILLED has the tag of the source, and size and mtime
 * after the fill. The view removes this record when a client may change the content; a change below
 * shows as another mtime. A write lease proves that no process has the file open. No locks.
 */
#include "fs/fs-private.h"
#include "fs/hollow-private.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <penstock/source.h>
#include <sys/xattr.h>
#include <unistd.h>

int fs_hollow_written(struct fs *fs, struct node *node)
{
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	int r;

	if (atomic_load_explicit(&node->flags, memory_order_relaxed) & NODE_CHANGED)
		return 0;
	/* With the mark the next view would replace the change, after the machine has stopped. */
	if (fs_is_whole(node) && (atomic_load(&node->flags) & NODE_UNSETTLED)) {
		if (!lower_may_wait())
			return FS_WOULD_WAIT;
		r = fs_settle(fs, node, false);
		if (r < 0)
			return r;
	}
	r = fdref_get(fs->fds, node, &ref);
	if (r < 0)
		return r;
	/* First the flag: the fill of the last piece removes its record when it sees the flag. */
	atomic_fetch_or(&node->flags, NODE_CHANGED);
	if (removexattr(fd_path(ref.fd).text, HOLLOW_FILLED) < 0 && !hollow_is_absent(errno)) {
		r = -errno;
		atomic_fetch_and(&node->flags, (uint8_t)~NODE_CHANGED);
	}
	return r;
}

/*
 * Frees the content. A kill at any moment leaves a file that is whole, or that is hollow and whose
 * next fill begins with a file without blocks: it has the mark, and HOLLOW_FILLED no more.
 */
static int empty(int fd, const struct hollow_filled *filled, size_t tag_len)
{
	struct hollow_filling filling;
	struct timespec times[2];
	struct stat st;
	int r, restored;

	if (fstat(fd, &st) < 0)
		return -errno;
	filling = hollow_filling_of(&st);
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	if (fsetxattr(fd, HOLLOW_FILLING, &filling, sizeof(filling), 0) < 0 ||
	    fsetxattr(fd, PST_HOLLOW, filled->tag, tag_len, 0) < 0 ||
	    fremovexattr(fd, HOLLOW_FILLED) < 0)
		return -errno;
	r = hollow_save_capability(fd);
	if (r == 0 &&
	    fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)st.st_size) < 0)
		r = -errno;
	restored = hollow_restore_capability(fd, true);
	if (futimens(fd, times) < 0 && r == 0)
		r = -errno;
	if (r == 0)
		r = restored;
	if (r == 0)
		fremovexattr(fd, HOLLOW_FILLING);
	return r;
}

/* Makes all nodes of the file, one for each mount by which it was found, look for the mark. */
static void clear_whole(struct fs *fs, struct node *node)
{
	/* NODE_UNSETTLED stays: if the eviction fails, the file still has to be settled. */
	uint8_t others = (uint8_t) ~(NODE_WHOLE | NODE_SYNCED);
	unsigned int mount = 0;
	struct node *alias;

	atomic_fetch_and(&node->flags, others);
	while ((alias = node_lookup_alias(fs->nodes, node, &mount))) {
		atomic_fetch_and(&alias->flags, others);
		node_put(fs->nodes, alias);
	}
}

int fs_evict(struct fs *fs, struct node *node)
{
	_cleanup_(fd_closep) int fd = -1;
	struct hollow_filled filled;
	size_t tag_len = 0;
	int r;

	if (!S_ISREG(node->type))
		return S_ISDIR(node->type) ? -EISDIR : -EINVAL;
	/*
	 * Before the check for opens: an OPEN that is counted later sees that the file may be
	 * hollow, and looks again.
	 */
	clear_whole(fs, node);
	if (!passthrough_close_idle(fs, node))
		return -EBUSY;
	fd = lower_open(fs, node, O_RDWR | O_NONBLOCK);
	if (fd < 0)
		return fd == -EAGAIN || fd == -ETXTBSY ? -EBUSY : fd;
	/* The kernel sends a signal to a process whose lease ends; this one is ignored. */
	if (fcntl(fd, F_SETSIG, thread_wake_signal()) < 0 || fcntl(fd, F_SETLEASE, F_WRLCK) < 0)
		return errno == EAGAIN ? -EBUSY : -errno;
	if (fgetxattr(fd, PST_HOLLOW, NULL, 0) >= 0 && !hollow_is_filled(fs, fd)) {
		r = pieces_evict(fs, fd);
	} else {
		r = hollow_read_filled(fd, &filled, &tag_len);
		if (r == HOLLOW_CHANGED || r == -ENODATA)
			r = -EBUSY;
		if (r == 0)
			r = empty(fd, &filled, tag_len);
	}
	fcntl(fd, F_SETLEASE, F_UNLCK);
	shadow_drop(fs, node);
	return r;
}
