// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Hollow files that are fetched in pieces. Their HOLLOW_FILLING says which pieces are there: a
 * piece is fresh when it was fetched, and recorded as on the disk when it is (pieces_settle()).
 * After a kill the next view finds both; after a crash of the machine it fetches again what was
 * fresh. No other state: each operation reads the record.
 *
 * A client's write to a piece comes after the piece was recorded as on the disk, unless the write
 * covers the piece; then that is recorded before the reply. So no fetch overwrites what a client
 * has written.
 *
 * The record's length is the number of bytes that come from the source: the size of the file, or
 * less after a truncation. Behind it are zeros and bytes of clients, which need no fetch.
 *
 * Locks: fs->pieces_lock is held while a record is changed, because pieces of one file are filled
 * at the same time, and settled at any time. An eviction needs no lock: it comes when nobody else
 * has the file open. Clients change the content when no fill runs.
 */
#include "fs/fs-private.h"
#include "fs/pieces-record.h"
#include "util/cleanup.h"
#include "util/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

/* -- looking ----------------------------------------------------------------------------------- */

/* As pieces_read(), by node. Returns 1; 0 if the file is not hollow; or -errno. */
static int look(struct fs *fs, struct node *node, struct hollow_pieces *ret_record)
{
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	int r = !fs->config.instance || fs_is_whole(node) ? 0 : fs_has_mark(fs, node);

	if (r != 1)
		return r < 0 ? r : 0;
	r = fdref_get(fs->fds, node, &ref);
	if (r == 0)
		r = pieces_read(fs, ref.fd, ret_record);
	return r < 0 ? r : 1;
}

int pieces_find_missing(const struct hollow_pieces *record, uint64_t off, uint64_t len, bool covers,
			uint64_t *ret_piece)
{
	uint64_t length = record->was.length, piece;
	uint64_t end = len < length && off < length - len ? off + len : length;

	if (!len)
		return 0;
	for (piece = pieces_next_missing(record, off >> record->shift);
	     piece_begin(record, piece) < end; piece = pieces_next_missing(record, piece + 1)) {
		if (covers && off <= piece_begin(record, piece) && end >= piece_end(record, piece))
			continue;
		*ret_piece = piece;
		return 1;
	}
	return 0;
}

int fs_pieces_missing(struct fs *fs, struct node *node, uint64_t off, uint64_t len, bool covers,
		      uint64_t *ret_piece)
{
	struct hollow_pieces record;
	int r = look(fs, node, &record);

	if (r <= 0 || !len)
		return r < 0 ? r : 0;
	/* The mark should be gone; the fill of any piece removes it. */
	if (pieces_are_complete(&record) && !(node->flags & NODE_UNSETTLED)) {
		*ret_piece = 0;
		return 1;
	}
	return pieces_find_missing(&record, off, len, covers, ret_piece);
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
		piece = r == 0 ? 0 : pieces_next_missing(&record, at >> record.shift);
		if (r && whence == SEEK_HOLE && piece == at >> record.shift &&
		    at < record.was.length) {
			at = piece_end(&record, piece);
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
		if (piece_is_there(&record, (uint64_t)found >> record.shift))
			return found;
		at = (uint64_t)found;
	}
	/* The first byte of a missing piece at or behind off, if it comes before the data below. */
	if (piece < pieces_n(&record)) {
		uint64_t begin = piece_begin(&record, piece) > at ? piece_begin(&record, piece) :
								    at;

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

int pieces_store(struct fs *fs, struct node *node, const struct fs_fill *fill,
		 const struct hollow_pieces *record)
{
	struct timespec times[2];
	int r = pieces_write(fs, fill->fd, record);

	if (r < 0 || !pieces_are_complete(record) || pieces_are_fresh(record))
		return r;
	hollow_times_of(&record->was, times);
	r = hollow_restore_capability(fill->fd, true);
	if (r == 0 && futimens(fill->fd, times) < 0)
		r = -errno;
	if (r == 0)
		r = hollow_finish(fs, node, fill, !record->changed);
	if (r < 0)
		return r;
	/* A client has opened the file for writing, maybe just now. */
	if (atomic_fetch_and(&node->flags, (uint8_t)~NODE_UNSETTLED) & NODE_CHANGED)
		fremovexattr(fill->fd, HOLLOW_FILLED);
	/* The ctime has changed. */
	shadow_filled(fs, node);
	return 0;
}

/* Records that the node has to be settled. Returns FS_UNSETTLED, or 0 if that is recorded. */
static int begin_unsettled(struct node *node)
{
	return atomic_fetch_or(&node->flags, NODE_UNSETTLED) & NODE_UNSETTLED ? 0 : FS_UNSETTLED;
}

/* Ends the fill of a file that is complete. Returns FS_UNSETTLED, FS_FILL_DONE or -errno. */
static int fill_nothing(struct fs *fs, struct node *node, const struct fs_fill *fill,
			const struct hollow_pieces *record)
{
	if (pieces_are_fresh(record))
		return begin_unsettled(node) ?: FS_FILL_DONE;
	return pieces_store(fs, node, fill, record) < 0 ? -EIO : FS_FILL_DONE;
}

int pieces_fill_begin(struct fs *fs, struct node *node, uint64_t piece, struct fs_fill *fill)
{
	struct hollow_pieces record;
	struct stat st;
	int r;

	pthread_mutex_lock(&fs->pieces_lock);
	r = pieces_begin(fs, fill->fd, &record);
	if (r == 0 && fstat(fill->fd, &st) < 0)
		r = -errno;
	if (r == 0)
		fill->length = (uint64_t)st.st_size;
	if (r == 0)
		hollow_times_of(&record.was, fill->times);
	if (r == 0 && pieces_are_complete(&record))
		r = fill_nothing(fs, node, fill, &record);
	else if (r == 0 && (piece >= pieces_n(&record) || piece_is_there(&record, piece)))
		r = FS_FILL_DONE;
	pthread_mutex_unlock(&fs->pieces_lock);
	if (r != 0)
		return r;
	fill->off = piece_begin(&record, piece);
	fill->len = piece_end(&record, piece) - fill->off;
	return clear_piece(fill);
}

int pieces_fill_end(struct fs *fs, struct node *node, const struct fs_fill *fill)
{
	/* Else the next view cannot tell a kill from a crash. */
	bool fresh = fs->config.instance != FS_INSTANCE_UNKNOWN;
	struct hollow_pieces record;
	int r;

	if (!fresh && fdatasync(fill->fd) < 0)
		return -errno;
	pthread_mutex_lock(&fs->pieces_lock);
	r = pieces_read(fs, fill->fd, &record);
	if (r == FILLED_PIECES) {
		piece_set(fresh ? record.fresh : record.there, fill->piece);
		r = pieces_store(fs, node, fill, &record);
		if (r == 0 && fresh)
			r = begin_unsettled(node);
	} else if (r > 0) {
		r = 0;
	}
	pthread_mutex_unlock(&fs->pieces_lock);
	return r;
}

/* Moves the bits of synced from fresh to there. */
static void move_bits(struct hollow_pieces *record, const struct hollow_pieces *synced)
{
	for (size_t i = 0; i < sizeof(record->fresh); i++) {
		uint8_t bits = record->fresh[i] & synced->fresh[i];

		record->fresh[i] &= (uint8_t)~bits;
		record->there[i] |= bits;
	}
}

/* Stores that the fresh pieces of synced are on the disk, as pieces_settle(). */
static int end_settle(struct fs *fs, const struct hollow_pieces *synced, int fd)
{
	struct hollow_pieces record;
	int r = pieces_read(fs, fd, &record);

	if (r != FILLED_PIECES)
		return r < 0 ? r : 0;
	move_bits(&record, synced);
	r = pieces_write(fs, fd, &record);
	return r == 0 && pieces_are_complete(&record) && !pieces_are_fresh(&record) ? FS_UNSETTLED :
										      r;
}

void pieces_lost(struct fs *fs, int fd)
{
	struct hollow_pieces record;

	pthread_mutex_lock(&fs->pieces_lock);
	if (pieces_read(fs, fd, &record) == FILLED_PIECES && pieces_are_fresh(&record)) {
		memset(record.fresh, 0, sizeof(record.fresh));
		pieces_write(fs, fd, &record);
	}
	pthread_mutex_unlock(&fs->pieces_lock);
}

int pieces_settle(struct fs *fs, struct node *node, int fd)
{
	struct hollow_pieces synced;
	int r;

	pthread_mutex_lock(&fs->pieces_lock);
	/* Before the read: a fill that ends later sets the flag again. */
	atomic_fetch_and(&node->flags, (uint8_t)~NODE_UNSETTLED);
	r = pieces_read(fs, fd, &synced);
	pthread_mutex_unlock(&fs->pieces_lock);
	if (r != FILLED_PIECES)
		return r < 0 ? r : 0;
	if (pieces_are_fresh(&synced) && fdatasync(fd) < 0) {
		r = -errno;
		pieces_lost(fs, fd);
		hollow_log_lost(r);
		return r;
	}
	pthread_mutex_lock(&fs->pieces_lock);
	r = end_settle(fs, &synced, fd);
	pthread_mutex_unlock(&fs->pieces_lock);
	return r;
}

/* -- evictions --------------------------------------------------------------------------------- */

int pieces_evict(struct fs *fs, int fd)
{
	struct hollow_pieces record;
	struct timespec times[2];
	int r = pieces_read(fs, fd, &record);

	if (r != FILLED_PIECES || record.changed)
		return r < 0 ? r : -EBUSY;
	memset(record.there, 0, sizeof(record.there));
	memset(record.fresh, 0, sizeof(record.fresh));
	hollow_times_of(&record.was, times);
	r = pieces_write(fs, fd, &record);
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
