// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Set-user-ID and set-group-ID bits, and file capabilities, of files that the view shows with
 * another owner than the lower file has.
 *
 * execve(2) in the view uses the bits and the owner from the attributes in our replies. If a filter
 * or a server replaced the owner and left the bits, the program of an ordinary user would run as
 * the owner that the view shows, for example as root. So the view shows S_ISUID only with the
 * owner, and S_ISGID only with the group, of the lower file. The bit of the lower file stays: a
 * chmod of the shown mode does not clear it. Such a chmod cannot set the bit either, because in the
 * lower tree the program would run as the lower owner.
 *
 * The kernel cannot ask us to clear bits that it does not see. So writes to such a file in the view
 * clear them: no backing file is registered with CAP_FSETID (passthrough.c), served writes drop
 * that capability (data.c), and an open that allows a shared mapping, whose stores make no request,
 * clears them itself (open.c). File capabilities survive stores as well, so the view does not show
 * them at all.
 *
 * A chown(2) below changes the owner of the lower inode first and clears the bits then, and a
 * statx(2) in between returns the new owner with the old bits. So set_id_settle() reads the
 * attributes of such a file twice.
 *
 * node->foreign has the hidden bits (bits 9 and up of the mode) from the first reply with another
 * owner until no filter is left that could show one. In a directory S_ISGID means that new files
 * inherit the group, so directories keep it. No locks.
 */
#include "fs/fs-private.h"
#include "util/cleanup.h"
#include "util/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#define MODE_SHIFT 9
#define MAX_TRIES  100

uint32_t set_id_hidden(const struct node *node)
{
	/* In a directory, node->casefold occupies the memory of node->foreign. */
	if (S_ISDIR(node->type))
		return 0;
	return (uint32_t)atomic_load_explicit(&node->foreign, memory_order_relaxed) << MODE_SHIFT;
}

uint32_t fs_show_mode(struct node *node, uint32_t mode, bool other_uid, bool other_gid)
{
	uint32_t bits = (other_uid ? S_ISUID : 0) | (other_gid ? S_ISGID : 0);

	if (S_ISDIR(node->type))
		return mode;
	if (bits & ~set_id_hidden(node))
		atomic_fetch_or(&node->foreign, (uint8_t)(bits >> MODE_SHIFT));
	return mode & ~bits;
}

void fs_show_real(struct fs *fs, struct node *node)
{
	/* A server may still show other owners. */
	if (!S_ISDIR(node->type) && !fs->config.server.fields)
		atomic_store_explicit(&node->foreign, 0, memory_order_relaxed);
}

/* No file has this attribute. */
#define NO_XATTR "trusted.penstock.none"

/*
 * Waits until no chown(2) or chmod(2) of the file is halfway: seeking data takes the lock that they
 * hold, and so does the removal of an extended attribute, for which nobody who has a lease on the
 * file has to be asked. The removal comes second, because it waits while the lower file system is
 * frozen. Returns false if it could not wait. A daemon that may not read the file has not waited
 * either, but it is that of an ordinary user, in whose views the bits have no effect.
 */
static bool wait_for_change(struct fs *fs, struct node *node)
{
	_cleanup_(fd_closep) int fd = lower_open(fs, node, O_RDONLY | O_NONBLOCK);
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;

	if (fd >= 0)
		lseek(fd, 0, SEEK_HOLE);
	if (fd >= 0 || fd == -EACCES)
		return true;
	return fdref_get(fs->fds, node, &ref) == 0 &&
	       (removexattr(fd_path(ref.fd).text, NO_XATTR) == 0 || errno != EROFS);
}

static bool have_same_ids(const struct statx *a, const struct statx *b)
{
	return a->stx_mode == b->stx_mode && a->stx_uid == b->stx_uid && a->stx_gid == b->stx_gid &&
	       a->stx_ctime.tv_sec == b->stx_ctime.tv_sec &&
	       a->stx_ctime.tv_nsec == b->stx_ctime.tv_nsec;
}

int set_id_settle(struct fs *fs, struct node *node, struct statx *stx)
{
	struct statx before;
	int r;

	if (!S_ISREG(stx->stx_mode) || !(stx->stx_mode & (S_ISUID | S_ISGID)) ||
	    lower_checks_caller(fs, node))
		return 1;
	for (int tries = 0; tries < MAX_TRIES; tries++) {
		before = *stx;
		if (!wait_for_change(fs, node))
			break;
		r = lower_node_stat(fs, node, stx);
		if (r < 0)
			return r;
		if (have_same_ids(&before, stx))
			return 1;
	}
	stx->stx_mode &= ~(uint32_t)(S_ISUID | S_ISGID);
	return 0;
}

int set_id_keep(const struct node *node, int fd, struct fs_change *change)
{
	uint32_t hidden = set_id_hidden(node);
	struct statx stx;
	int r;

	if (!hidden || !(change->set & FS_SET_MODE) || authority_is_served(node, STATX_MODE))
		return 0;
	if (change->mode & hidden)
		return -EPERM;
	/* A change of owner or size clears the bits of the lower file anyway. */
	if (change->set & (FS_SET_UID | FS_SET_GID | FS_SET_SIZE))
		return 0;
	r = lower_stat(fd, &stx);
	if (r == 0)
		change->mode |= stx.stx_mode & hidden;
	return r;
}

bool set_id_is_capability(const struct node *node, const char *xattr)
{
	return set_id_hidden(node) && strcmp(xattr, "security.capability") == 0;
}
