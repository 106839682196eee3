// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Changes by clients of files that are fetched in pieces, see pieces.c. A piece that a client
 * changes in part is on the disk before, and a piece that a client covers afterwards. No state.
 */
#include "fs/pieces-record.h"
#include "util/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

/* Opens the file for writing; close_writer() closes it. See fs_fill_begin(). */
static int open_writer(struct fs *fs, struct node *node)
{
	int fd;

	attr_writer_begins(node);
	fd = lower_open(fs, node, O_RDWR);
	if (fd < 0)
		attr_writer_ends(node);
	return fd;
}

static int close_writer(struct node *node, int fd, int r)
{
	fd_close(fd);
	attr_writer_ends(node);
	return r;
}

/* Prepares the file for a change of len bytes at off. Returns 0 or -errno. */
static int before_write(struct fs *fs, struct node *node, int fd, uint64_t off, uint64_t len,
			bool covers)
{
	struct hollow_pieces record;
	uint64_t piece;
	int r;

	pthread_mutex_lock(&fs->pieces_lock);
	r = pieces_begin(fs, fd, &record);
	pthread_mutex_unlock(&fs->pieces_lock);
	memset(record.fresh, 0, sizeof(record.fresh));
	if (r < 0 || !pieces_find_missing(&record, off, len, covers, &piece))
		return r;
	r = pieces_settle(fs, node, fd);
	if (r >= 0)
		r = pieces_read(fs, fd, &record);
	/* The disk may have refused a piece since the caller has looked for it. */
	if (r == FILLED_PIECES && pieces_find_missing(&record, off, len, covers, &piece))
		r = -EIO;
	return r < 0 ? r : 0;
}

int fs_pieces_before_write(struct fs *fs, struct node *node, uint64_t off, uint64_t len,
			   bool covers)
{
	int fd = open_writer(fs, node);

	if (fd < 0)
		return fd;
	return close_writer(node, fd, before_write(fs, node, fd, off, len, covers));
}

/*
 * Records the pieces that these bytes cover as on the disk. Returns true if there are new ones.
 */
static bool cover(struct hollow_pieces *record, uint64_t off, uint64_t len)
{
	uint64_t n = pieces_n(record), piece = off ? ((off - 1) >> record->shift) + 1 : 0;
	uint8_t before[sizeof(record->there)];

	memcpy(before, record->there, sizeof(before));
	for (; piece < n && piece_end(record, piece) - off <= len; piece++) {
		piece_set(record->there, piece);
		record->fresh[piece / 8] &= (uint8_t) ~(1 << piece % 8);
	}
	return memcmp(before, record->there, sizeof(before)) != 0;
}

/* Stores that a client has changed these bytes. Returns 0 or -errno. Caller holds the lock. */
static int store_change(struct fs *fs, struct node *node, int fd, uint64_t off, uint64_t len)
{
	struct fs_fill fill = { .fd = fd };
	struct hollow_pieces record;
	struct stat st;
	int r = pieces_read(fs, fd, &record);

	if (r != FILLED_PIECES)
		return r < 0 ? r : 0;
	if (fstat(fd, &st) < 0)
		return -errno;
	record.was.times[1] = hollow_filling_of(&st).times[1];
	record.changed = 1;
	cover(&record, off, len);
	return pieces_store(fs, node, &fill, &record);
}

static int record_change(struct fs *fs, struct node *node, int fd, uint64_t off, uint64_t len)
{
	struct hollow_pieces record;
	int r = pieces_read(fs, fd, &record);

	if (r != FILLED_PIECES)
		return r < 0 ? r : 0;
	/* The write has removed the capabilities for good. */
	if (fremovexattr(fd, HOLLOW_CAPABILITY) < 0 && !hollow_is_absent(errno))
		return -errno;
	if (cover(&record, off, len) && fdatasync(fd) < 0) {
		r = -errno;
		pieces_lost(fs, fd);
		return r;
	}
	pthread_mutex_lock(&fs->pieces_lock);
	r = store_change(fs, node, fd, off, len);
	pthread_mutex_unlock(&fs->pieces_lock);
	return r;
}

int fs_pieces_written(struct fs *fs, struct node *node, uint64_t off, uint64_t len)
{
	int fd = open_writer(fs, node);

	if (fd < 0)
		return fd;
	return close_writer(node, fd, record_change(fs, node, fd, off, len));
}
