// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Hollow files: lower files that have all their attributes, and not yet their content. Hollow
 * directories have not yet their names. The mark of a hollow file is an extended attribute of the
 * lower inode (PST_HOLLOW), so it survives the process and the machine.
 *
 * A fill writes the content and then removes the mark. So that a fill which was interrupted changes
 * nothing that a client sees, a second attribute (HOLLOW_FILLING) has the size and the times from
 * before the fill. As long as it exists, the view shows these times, and the next fill begins with
 * a file without blocks.
 *
 * In node->flags, NODE_WHOLE means that the file was seen without the mark. The caller, src/source,
 * runs one fill of a file at a time. No locks.
 */
#include "fs/hollow.h"
#include "fs/fs-private.h"
#include "util/cleanup.h"
#include "util/fd.h"

#include <errno.h>
#include <penstock/source.h>
#include <string.h>
#include <sys/xattr.h>

#define HIDDEN "trusted.penstock."

bool hollow_is_mark(const struct fs *fs, const char *name)
{
	return fs->config.fills && strncmp(name, HIDDEN, strlen(HIDDEN)) == 0;
}

void hollow_set_whole(struct node *node)
{
	atomic_fetch_or(&node->flags, NODE_WHOLE);
}

bool fs_is_whole(const struct node *node)
{
	return (atomic_load_explicit(&node->flags, memory_order_acquire) &
		(NODE_WHOLE | NODE_KEYED)) ||
	       (!S_ISREG(node->type) && !S_ISDIR(node->type));
}

bool hollow_is_absent(int number)
{
	return number == ENODATA || number == EOPNOTSUPP;
}

int fs_has_mark(struct fs *fs, struct node *node)
{
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	int r = fdref_get(fs->fds, node, &ref);

	if (r < 0)
		return r;
	if (getxattr(fd_path(ref.fd).text, PST_HOLLOW, NULL, 0) >= 0)
		return 1;
	return hollow_is_absent(errno) ? 0 : -errno;
}

int fs_is_hollow(struct fs *fs, struct node *node)
{
	int r = fs_is_whole(node) ? 0 : fs_has_mark(fs, node);

	if (r == 0)
		hollow_set_whole(node);
	return r;
}

/* -- times ------------------------------------------------------------------------------------- */

struct hollow_filling hollow_filling_of(const struct stat *st)
{
	return (struct hollow_filling){
		.length = (uint64_t)st->st_size,
		.times = { { st->st_atim.tv_sec, st->st_atim.tv_nsec },
			   { st->st_mtim.tv_sec, st->st_mtim.tv_nsec } },
	};
}

bool hollow_filling(int fd, struct hollow_filling *ret_filling)
{
	return getxattr(fd_path(fd).text, HOLLOW_FILLING, ret_filling, sizeof(*ret_filling)) ==
	       sizeof(*ret_filling);
}

void hollow_show_times(struct fs *fs, struct node *node, struct statx *stx)
{
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	struct hollow_filling filling;

	/* The last change of a file that a fill has written to was this write. */
	if (fs_is_whole(node) || stx->stx_mtime.tv_sec != stx->stx_ctime.tv_sec ||
	    stx->stx_mtime.tv_nsec != stx->stx_ctime.tv_nsec)
		return;
	if (fdref_get(fs->fds, node, &ref) < 0 || !hollow_filling(ref.fd, &filling))
		return;
	stx->stx_atime.tv_sec = filling.times[0].sec;
	stx->stx_atime.tv_nsec = (uint32_t)filling.times[0].nsec;
	stx->stx_mtime.tv_sec = filling.times[1].sec;
	stx->stx_mtime.tv_nsec = (uint32_t)filling.times[1].nsec;
}

int fs_hollow_changed(struct fs *fs, struct node *node, bool emptied)
{
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	struct hollow_filling filling;
	struct stat st;
	int r = fdref_get(fs->fds, node, &ref);

	if (r < 0)
		return r;
	if (emptied) {
		if (removexattr(fd_path(ref.fd).text, PST_HOLLOW) < 0 && !hollow_is_absent(errno))
			return -errno;
		removexattr(fd_path(ref.fd).text, HOLLOW_FILLING);
		hollow_set_whole(node);
		return 0;
	}
	if (!hollow_filling(ref.fd, &filling))
		return 0;
	if (fstat(ref.fd, &st) < 0)
		return -errno;
	st.st_size = (off_t)filling.length;
	filling = hollow_filling_of(&st);
	return setxattr(fd_path(ref.fd).text, HOLLOW_FILLING, &filling, sizeof(filling), 0) < 0 ?
		       -errno :
		       0;
}
