// SPDX-License-Identifier: LGPL-2.1-or-later
/* Fills of hollow files, see hollow.c. No state, no locks. */
#include "fs/fs-private.h"
#include "fs/hollow-private.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/fstype.h"
#include "util/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <penstock/source.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

/* Removes names that an interrupted pst_hollow_make() has left in a directory. */
static void remove_unfinished(int dir_fd)
{
	_cleanup_(fd_closep) int fd = fd_reopen(dir_fd, O_RDONLY | O_DIRECTORY);
	struct dirent *entry;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir)
		return;
	take_fd(&fd);
	while ((entry = readdir(dir)))
		if (strncmp(entry->d_name, FS_UNFINISHED, strlen(FS_UNFINISHED)) == 0 &&
		    unlinkat(dir_fd, entry->d_name, 0) < 0)
			unlinkat(dir_fd, entry->d_name, AT_REMOVEDIR);
	closedir(dir);
}

/*
 * Records size and times, or takes those that an interrupted fill has recorded. Returns
 * FS_FILL_DONE if pieces of the file are there: then the file stays one of pieces.
 */
static int record(struct fs_fill *fill)
{
	struct hollow_filling filling;
	struct stat st;
	ssize_t n = fgetxattr(fill->fd, HOLLOW_FILLING, NULL, 0);
	bool again = hollow_filling(fill->fd, &filling);
	int r = 0;

	if (n > (ssize_t)sizeof(filling))
		return FS_FILL_DONE;
	if (!again && fstat(fill->fd, &st) < 0)
		return -errno;
	if (!again) {
		filling = hollow_filling_of(&st);
		r = fsetxattr(fill->fd, HOLLOW_FILLING, &filling, sizeof(filling), 0);
	}
	if (r < 0)
		return -errno;
	fill->len = fill->length = fill->dir ? 0 : filling.length;
	hollow_times_of(&filling, fill->times);
	/* A fill before the machine stopped may have lost a part of its content. */
	if (!fill->dir && fremovexattr(fill->fd, HOLLOW_FILLED) == 0)
		again = true;
	if (again && fill->dir)
		remove_unfinished(fill->fd);
	return again && !fill->dir ? hollow_begin_again(fill->fd, fill->length) : 0;
}

/*
 * Removes the mark of a file that was changed below after its fill, whose mark a killed program has
 * left: another fill would replace the change. Returns 0, FS_FILL_DONE or -errno.
 */
static int keep_change(int fd)
{
	struct hollow_filled filled;
	size_t tag_len;
	int r = hollow_read_filled(fd, &filled, &tag_len);

	if (r == 0 || r == -ENODATA)
		return 0;
	if (r < 0)
		return r;
	if (fremovexattr(fd, PST_HOLLOW) < 0)
		return -errno;
	fremovexattr(fd, HOLLOW_FILLED);
	return FS_FILL_DONE;
}

int fs_fill_begin(struct fs *fs, struct node *node, uint64_t piece, struct fs_fill *ret_fill)
{
	struct fs_fill fill = { .dir = S_ISDIR(node->type), .piece = piece };
	int r;

	/* No read lease for a proof of attr.c meanwhile, which this open would break. */
	if (!fill.dir)
		attr_writer_begins(node);
	fill.fd = lower_open(fs, node, fill.dir ? O_RDONLY : O_RDWR);
	r = fill.fd < 0 ? fill.fd : hollow_read_tag(&fill);
	if (r == 0 && !fill.dir && hollow_is_filled(fs, fill.fd))
		r = FS_UNSETTLED;
	if (r == 0 && !fill.dir)
		r = keep_change(fill.fd);
	if (r == FS_UNSETTLED)
		atomic_fetch_or(&node->flags, NODE_UNSETTLED);
	if (r > 0)
		hollow_set_whole(node);
	if (r == 0 && !fill.dir)
		r = hollow_save_capability(fill.fd);
	if (r == 0)
		r = piece == FS_WHOLE ? record(&fill) : pieces_fill_begin(fs, node, piece, &fill);
	if (r == 0) {
		*ret_fill = fill;
		return 0;
	}
	fd_close(fill.fd);
	if (!fill.dir)
		attr_writer_ends(node);
	return r;
}

/* Checks that the source has left the size of the file as it is, and restores the size. */
static int check_size(const struct fs_fill *fill)
{
	struct stat st;

	if (fill->dir)
		return 0;
	if (fstat(fill->fd, &st) < 0)
		return -errno;
	if (st.st_size == (off_t)fill->length)
		return 0;
	log_error("the source's fetch() has changed the size of a file from %llu to %llu bytes: "
		  "the file stays hollow, and the caller gets EIO",
		  (unsigned long long)fill->length, (unsigned long long)st.st_size);
	return ftruncate(fill->fd, (off_t)fill->length) < 0 ? -errno : -EIO;
}

/* Restores times and capabilities, which the last write has changed. Returns 0 or -errno. */
static int restore(const struct fs_fill *fill)
{
	int r = fill->dir ? 0 : hollow_restore_capability(fill->fd, fill->piece == FS_WHOLE);

	return futimens(fill->fd, fill->times) < 0 ? -errno : r;
}

/*
 * Writes names to the disk, so that the mark is not removed there before. They need no fsync(2),
 * which would take longer than making them, if the file system keeps the order anyway.
 */
static int sync_names(const struct fs_fill *fill)
{
	const struct fstype *type = fstype_of(fill->fd);

	return (!type || !type->ordered) && fsync(fill->fd) < 0 ? -errno : 0;
}

static int end_content(struct fs *fs, struct node *node, const struct fs_fill *fill)
{
	int r = hollow_record_filled(fs, fill);

	if (r < 0)
		return r;
	fremovexattr(fill->fd, HOLLOW_FILLING);
	atomic_fetch_and(&node->flags, (uint8_t) ~(NODE_CHANGED | NODE_SYNCED));
	atomic_fetch_or(&node->flags, NODE_WHOLE | NODE_UNSETTLED);
	if (fs->config.instance != FS_INSTANCE_UNKNOWN)
		return FS_UNSETTLED;
	return fs_settle(fs, node, false);
}

static int end_fill(struct fs *fs, struct node *node, const struct fs_fill *fill)
{
	int r;

	if (fill->piece != FS_WHOLE)
		return pieces_fill_end(fs, node, fill);
	if (!fill->dir)
		return end_content(fs, node, fill);
	r = sync_names(fill);
	return r < 0 ? r : hollow_finish(fs, node, fill, false);
}

int fs_fill_end(struct fs *fs, struct node *node, struct fs_fill *fill, int r)
{
	int size = check_size(fill), restored = restore(fill);

	if (r == 0)
		r = size;
	if (r == 0)
		r = restored;
	if (r == 0)
		r = end_fill(fs, node, fill);
	/* Before a client can run the file: ETXTBSY. */
	fill->fd = fd_close(fill->fd);
	if (!fill->dir)
		attr_writer_ends(node);
	shadow_filled(fs, node);
	return r;
}

int fs_finish(struct fs *fs, struct node *node)
{
	struct fs_fill fill;
	int r = fs_fill_begin(fs, node, 0, &fill);

	/* An eviction has made the file hollow meanwhile. */
	if (r == 0)
		fs_fill_end(fs, node, &fill, -ECANCELED);
	/* Else the next read tries again. */
	if (r < 0 && r != FS_WOULD_WAIT)
		atomic_fetch_and(&node->flags, (uint8_t)~NODE_UNSETTLED);
	return r < 0 ? r : 0;
}
