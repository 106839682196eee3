// SPDX-License-Identifier: LGPL-2.1-or-later
/* Reads and writes the record of a file that is fetched in pieces. No state, no locks. */
#include "fs/pieces-record.h"
#include "util/fd.h"

#include <errno.h>
#include <string.h>
#include <sys/xattr.h>

/* -- pieces ------------------------------------------------------------------------------------ */

uint64_t pieces_n(const struct hollow_pieces *record)
{
	uint64_t length = record->was.length;

	return length ? ((length - 1) >> record->shift) + 1 : 0;
}

bool piece_is_there(const struct hollow_pieces *record, uint64_t piece)
{
	return (record->there[piece / 8] | record->fresh[piece / 8]) >> piece % 8 & 1;
}

void piece_set(uint8_t *bits, uint64_t piece)
{
	bits[piece / 8] |= (uint8_t)(1 << piece % 8);
}

uint64_t pieces_next_missing(const struct hollow_pieces *record, uint64_t piece)
{
	uint64_t n = pieces_n(record);

	while (piece < n && piece_is_there(record, piece))
		piece++;
	return piece < n ? piece : n;
}

bool pieces_are_complete(const struct hollow_pieces *record)
{
	return pieces_next_missing(record, 0) == pieces_n(record);
}

static size_t n_bytes(const struct hollow_pieces *record)
{
	return (size_t)(pieces_n(record) + 7) / 8;
}

bool pieces_are_fresh(const struct hollow_pieces *record)
{
	for (size_t i = 0; i < n_bytes(record); i++)
		if (record->fresh[i])
			return true;
	return false;
}

uint64_t piece_begin(const struct hollow_pieces *record, uint64_t piece)
{
	return piece << record->shift;
}

uint64_t piece_end(const struct hollow_pieces *record, uint64_t piece)
{
	uint64_t end = (piece + 1) << record->shift;

	return end < record->was.length ? end : record->was.length;
}

/* Makes pieces larger than the source asks for if the file would have too many. */
static uint8_t shift_for(const struct fs *fs, uint64_t length)
{
	uint8_t shift = (uint8_t)__builtin_ctzll(fs->config.piece);

	while (length >> shift >= PIECES_MAX)
		shift++;
	return shift;
}

/* -- the attribute ----------------------------------------------------------------------------- */

#define HEAD offsetof(struct hollow_pieces, there)

/* Moves the arrays of an attribute of size bytes to their places. */
static void decode(const struct fs *fs, struct hollow_pieces *record, size_t size)
{
	size_t n = n_bytes(record);
	uint8_t bytes[sizeof(*record)];
	uint64_t instance = FS_INSTANCE_UNKNOWN;

	memcpy(bytes, record, size);
	memset(record->there, 0, sizeof(*record) - HEAD);
	memcpy(record->there, bytes + HEAD, size < HEAD + n ? size - HEAD : n);
	if (size != HEAD + 2 * n + sizeof(instance))
		return;
	memcpy(&instance, bytes + HEAD + 2 * n, sizeof(instance));
	if (instance != FS_INSTANCE_UNKNOWN && instance == fs->config.instance)
		memcpy(record->fresh, bytes + HEAD + n, n);
}

int pieces_read(const struct fs *fs, int fd, struct hollow_pieces *ret_record)
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
	if (n < (ssize_t)HEAD || record.shift > 62 ||
	    record.was.length >> record.shift >= PIECES_MAX)
		return -EIO;
	decode(fs, &record, (size_t)n);
	/* A truncation was interrupted before it updated the record. */
	if (record.was.length > (uint64_t)st.st_size)
		record.was.length = (uint64_t)st.st_size;
	*ret_record = record;
	return FILLED_PIECES;
}

int pieces_write(const struct fs *fs, int fd, const struct hollow_pieces *record)
{
	struct hollow_pieces value = *record;
	size_t n = n_bytes(record), size = HEAD + n;
	uint8_t *end = (uint8_t *)&value + size;

	if (pieces_are_fresh(record)) {
		memcpy(end, record->fresh, n);
		memcpy(end + n, &fs->config.instance, sizeof(fs->config.instance));
		size += n + sizeof(fs->config.instance);
	}
	return fsetxattr(fd, HOLLOW_FILLING, &value, size, 0) < 0 ? -errno : 0;
}

int pieces_begin(struct fs *fs, int fd, struct hollow_pieces *ret_record)
{
	int r = pieces_read(fs, fd, ret_record);

	if (r < 0 || r == FILLED_PIECES)
		return r < 0 ? r : 0;
	/* A fill before the machine stopped may have lost a part of its content, too. */
	if (fremovexattr(fd, HOLLOW_FILLED) == 0 || r == FILLED_INTERRUPTED)
		r = hollow_begin_again(fd, ret_record->was.length);
	return r < 0 ? r : pieces_write(fs, fd, ret_record);
}
