// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Hollow files that are fetched in pieces. Their HOLLOW_FILLING has a bit for each piece that is
 * there. The bit is set when the piece is on the disk, so after a kill or a crash the next view
 * fetches at most pieces that were being fetched. No other state: each operation reads the bits.
 *
 * A client's write to a piece comes after the bit of this piece, unless it covers the piece; then
 * the bit is set before the reply. So no fetch overwrites what a client has written.
 *
 * The record's length is the number of bytes that come from the source: the size of the file, or
 * less after a truncation. Behind it are zeros and bytes of clients, which need no fetch.
 *
 * Locks: pieces of one file are filled at the same time, and fs->pieces_lock is held when a fill
 * changes the record. All other changes come from a thread that prevents fills of the file.
 */
#include "fs/fs-private.h"
#include "fs/hollow-private.h"
#include "util/cleanup.h"
#include "util/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

/* -- the record -------------------------------------------------------------------------------- */

static uint64_t n_pieces(const struct hollow_pieces *record)
{
	uint64_t length = record->was.length;

	return length ? ((length - 1) >> record->shift) + 1 : 0;
}

static bool is_there(const struct hollow_pieces *record, uint64_t piece)
{
	return record->there[piece / 8] >> piece % 8 & 1;
}

/* Returns the first piece at or after this one that is not there; n_pieces() if there is none. */
static uint64_t next_missing(const struct hollow_pieces *record, uint64_t piece)
{
	uint64_t n = n_pieces(record);

	while (piece < n && is_there(record, piece))
		piece++;
	return piece < n ? piece : n;
}

static bool is_complete(const struct hollow_pieces *record)
{
	return next_missing(record, 0) == n_pieces(record);
}

static uint64_t begin_of(const struct hollow_pieces *record, uint64_t piece)
{
	return piece << record->shift;
}

/* Returns the offset behind a piece: the next piece, or the end of what the source has. */
static uint64_t end_of(const struct hollow_pieces *record, uint64_t piece)
{
	uint64_t end = (piece + 1) << record->shift;

	return end < record->was.length ? end : record->was.length;
}

static size_t size_of(const struct hollow_pieces *record)
{
	return offsetof(struct hollow_pieces, there) + (n_pieces(record) + 7) / 8;
}

/* Makes pieces larger than the source asks for if the file would have too many. */
static uint8_t shift_for(const struct fs *fs, uint64_t length)
{
	uint8_t shift = (uint8_t)__builtin_ctzll(fs->config.piece);

	while (length >> shift >= PIECES_MAX)
		shift++;
	return shift;
}

/* The state of a hollow file. */
enum filled { FILLED_NOTHING, FILLED_PIECES, FILLED_INTERRUPTED };

/*
 * Reads the record of a file. Without one, *ret_record is that of a file without pieces, and the
 * result is FILLED_NOTHING, or FILLED_INTERRUPTED after a fill of the whole file. Returns an enum
 * filled or -errno.
 */
static int read_record(struct fs *fs, int fd, struct hollow_pieces *ret_record)
{
	struct hollow_pieces record = { 0 };
	struct stat st;
	ssize_t n = getxattr(fd_path(fd).text, HOLLOW_FILLING, &record, sizeof(record));

	if ((n < 0 && !hollow_is_absent(errno)) || fstat(fd, &st) < 0)
		return -errno;
	if (n <= (ssize_t)sizeof(record.was)) {
		if (n < 0)
			record.was = hollow_filling_of(&st);
		record.shift = shift_for(fs, record.was.length);
		*ret_record = record;
		return n < 0 ? FILLED_NOTHING : FILLED_INTERRUPTED;
	}
	if (record.shift > 62 || record.was.length >> record.shift >= PIECES_MAX)
		return -EIO;
	/* A truncation was interrupted before it updated the record. */
	if (record.was.length > (uint64_t)st.st_size)
		record.was.length = (uint64_t)st.st_size;
	*ret_record = record;
	return FILLED_PIECES;
}

static int write_record(int fd, const struct hollow_pieces *record)
{
	return fsetxattr(fd, HOLLOW_FILLING, record, size_of(record), 0) < 0 ? -errno : 0;
}

/* Reads the record of a file that is open for writing, or makes one. */
static int begin_record(struct fs *fs, int fd, struct hollow_pieces *ret_record)
{
	int r = read_record(fs, fd, ret_record);

	if (r < 0 || r == FILLED_PIECES)
		return r < 0 ? r : 0;
	/* A fill before the machine stopped may have lost a part of its content, too. */
	if (fremovexattr(fd, HOLLOW_FILLED) == 0 || r == FILLED_INTERRUPTED)
		r = hollow_begin_again(fd, ret_record->was.length);
	return r < 0 ? r : write_record(fd, ret_record);
}

/* -- looking ----------------------------------------------------------------------------------- */

/* As read_record(), by node. Returns 1; 0 if the file is not hollow; or -errno. */
static int look(struct fs *fs, struct node *node, struct hollow_pieces *ret_record)
{
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	int r = !fs->config.instance || fs_is_whole(node) ? 0 : fs_has_mark(fs, node);

	if (r != 1)
		return r < 0 ? r : 0;
	r = fdref_get(fs->fds, node, &ref);
	if (r == 0)
		r = read_record(fs, ref.fd, ret_record);
	return r < 0 ? r : 1;
}

int fs_pieces_missing(struct fs *fs, struct node *node, uint64_t off, uint64_t len, bool covers,
		      uint64_t *ret_piece)
{
	struct hollow_pieces record;
	uint64_t end, piece;
	int r = look(fs, node, &record);

	if (r <= 0 || !len)
		return r < 0 ? r : 0;
	/* The program was killed before it removed the mark; the fill of any piece removes it. */
	if (is_complete(&record)) {
		*ret_piece = 0;
		return 1;
	}
	end = len < record.was.length && off < record.was.length - len ? off + len :
									 record.was.length;
	for (piece = next_missing(&record, off >> record.shift); begin_of(&record, piece) < end;
	     piece = next_missing(&record, piece + 1)) {
		if (covers && off <= begin_of(&record, piece) && end >= end_of(&record, piece))
			continue;
		*ret_piece = piece;
		return 1;
	}
	return 0;
}

uint64_t fs_piece_rest(struct fs *fs, struct node *node, uint64_t off)
{
	struct hollow_pieces record;

	if (look(fs, node, &record) <= 0 || off >= record.was.length)
		return UINT64_MAX;
	return ((off >> record.shift) + 1) * (1ULL << record.shift) - off;
}

off_t pieces_seek(struct fs *fs, struct node *node, int fd, off_t off, int whence)
{
	struct hollow_pieces record;
	uint64_t at = (uint64_t)off, piece;
	off_t found;
	bool seeks = off >= 0 && (whence == SEEK_DATA || whence == SEEK_HOLE);
	int r = seeks ? look(fs, node, &record) : 0;

	if (r < 0)
		return r;
	for (;;) {
		/* A search for a hole skips the pieces that are not there. */
		piece = r == 0 ? 0 : next_missing(&record, at >> record.shift);
		if (r && whence == SEEK_HOLE && piece == at >> record.shift &&
		    at < record.was.length) {
			at = end_of(&record, piece);
			continue;
		}
		found = lseek(fd, (off_t)at, whence);
		/* Nothing but the hole at the end of the file follows the missing pieces. */
		if (found < 0 && errno == ENXIO && at > (uint64_t)off)
			return (off_t)at;
		if (found < 0 && (errno != ENXIO || whence == SEEK_HOLE))
			return -errno;
		if (r == 0 || (whence == SEEK_HOLE && (uint64_t)found >= record.was.length))
			return found < 0 ? -errno : found;
		if (whence == SEEK_DATA)
			break;
		if (is_there(&record, (uint64_t)found >> record.shift))
			return found;
		at = (uint64_t)found;
	}
	/* The first byte of a missing piece at or behind off, if it comes before the data below. */
	if (piece < n_pieces(&record)) {
		uint64_t begin = begin_of(&record, piece) > at ? begin_of(&record, piece) : at;

		if (begin < record.was.length && (found < 0 || begin < (uint64_t)found))
			return (off_t)begin;
	}
	return found < 0 ? -ENXIO : found;
}

/* -- fills ------------------------------------------------------------------------------------- */

/* Removes what an interrupted fill of this piece has left, and seeks to its begin. */
static int clear_piece(const struct fs_fill *fill)
{
	off_t data = lseek(fill->fd, (off_t)fill->off, SEEK_DATA);

	if (data >= 0 && (uint64_t)data < fill->off + fill->len &&
	    fallocate(fill->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)fill->off,
		      (off_t)fill->len) < 0 &&
	    errno != EOPNOTSUPP)
		return -errno;
	return lseek(fill->fd, (off_t)fill->off, SEEK_SET) < 0 ? -errno : 0;
}

/* Stores a record with new bits; the mark goes with the last one. Caller prevents other changes. */
static int store(struct fs *fs, struct node *node, const struct fs_fill *fill,
		 const struct hollow_pieces *record)
{
	bool changed = record->changed || (node->flags & NODE_CHANGED);
	struct timespec times[2];
	int r;

	if (!is_complete(record))
		return write_record(fill->fd, record);
	hollow_times_of(&record->was, times);
	r = hollow_restore_capability(fill->fd, true);
	if (r == 0 && futimens(fill->fd, times) < 0)
		r = -errno;
	return r < 0 ? r : hollow_finish(fs, node, fill, !changed);
}

int pieces_fill_begin(struct fs *fs, struct node *node, uint64_t piece, struct fs_fill *fill)
{
	struct hollow_pieces record;
	struct stat st;
	int r;

	pthread_mutex_lock(&fs->pieces_lock);
	r = begin_record(fs, fill->fd, &record);
	if (r == 0 && fstat(fill->fd, &st) < 0)
		r = -errno;
	if (r == 0)
		fill->length = (uint64_t)st.st_size;
	if (r == 0)
		hollow_times_of(&record.was, fill->times);
	if (r == 0 && is_complete(&record))
		r = store(fs, node, fill, &record) < 0 ? -EIO : FS_FILL_DONE;
	else if (r == 0 && (piece >= n_pieces(&record) || is_there(&record, piece)))
		r = FS_FILL_DONE;
	pthread_mutex_unlock(&fs->pieces_lock);
	if (r != 0)
		return r;
	fill->off = begin_of(&record, piece);
	fill->len = end_of(&record, piece) - fill->off;
	return clear_piece(fill);
}

int pieces_fill_end(struct fs *fs, struct node *node, const struct fs_fill *fill)
{
	struct hollow_pieces record;
	int r;

	if (fdatasync(fill->fd) < 0)
		return -errno;
	pthread_mutex_lock(&fs->pieces_lock);
	r = read_record(fs, fill->fd, &record);
	if (r == FILLED_PIECES) {
		record.there[fill->piece / 8] |= (uint8_t)(1 << fill->piece % 8);
		r = store(fs, node, fill, &record);
	}
	pthread_mutex_unlock(&fs->pieces_lock);
	return r < 0 ? r : 0;
}

/* -- changes by clients ------------------------------------------------------------------------ */

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

int fs_pieces_before_write(struct fs *fs, struct node *node)
{
	int fd = open_writer(fs, node);
	struct hollow_pieces record;

	return fd < 0 ? fd : close_writer(node, fd, begin_record(fs, fd, &record));
}

/* Sets the bits of the pieces that these bytes cover. Returns true if there are new ones. */
static bool cover(struct hollow_pieces *record, uint64_t off, uint64_t len)
{
	uint64_t n = n_pieces(record), piece = off ? ((off - 1) >> record->shift) + 1 : 0;
	bool any = false;

	for (; piece < n && end_of(record, piece) - off <= len; piece++) {
		any |= !is_there(record, piece);
		record->there[piece / 8] |= (uint8_t)(1 << piece % 8);
	}
	return any;
}

static int record_change(struct fs *fs, struct node *node, int fd, uint64_t off, uint64_t len)
{
	struct fs_fill fill = { .fd = fd };
	struct hollow_pieces record;
	struct stat st;
	int r = read_record(fs, fd, &record);

	if (r != FILLED_PIECES)
		return r < 0 ? r : 0;
	if (fstat(fd, &st) < 0)
		return -errno;
	record.was.times[1] = hollow_filling_of(&st).times[1];
	record.changed = 1;
	/* The write has removed the capabilities for good. */
	if (fremovexattr(fd, HOLLOW_CAPABILITY) < 0 && !hollow_is_absent(errno))
		return -errno;
	if (cover(&record, off, len) && fdatasync(fd) < 0)
		return -errno;
	return store(fs, node, &fill, &record);
}

int fs_pieces_written(struct fs *fs, struct node *node, uint64_t off, uint64_t len)
{
	int fd = open_writer(fs, node);

	return fd < 0 ? fd : close_writer(node, fd, record_change(fs, node, fd, off, len));
}

int pieces_evict(struct fs *fs, int fd)
{
	struct hollow_pieces record;
	struct timespec times[2];
	int r = read_record(fs, fd, &record);

	if (r != FILLED_PIECES || record.changed)
		return r < 0 ? r : -EBUSY;
	memset(record.there, 0, sizeof(record.there));
	hollow_times_of(&record.was, times);
	r = write_record(fd, &record);
	if (r == 0)
		r = hollow_save_capability(fd);
	if (r == 0)
		r = hollow_begin_again(fd, record.was.length);
	if (futimens(fd, times) < 0 && r == 0)
		r = -errno;
	if (r == 0)
		r = hollow_restore_capability(fd, true);
	if (r < 0)
		return r;
	fremovexattr(fd, HOLLOW_FILLING);
	return 0;
}
