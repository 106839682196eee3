/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Files that a source fills (hollow.c, fill.c, pieces.c). The rules of fs.h apply. */
#include "fs/fs.h"

#include <penstock/source.h>

/* Names of this prefix are those of files that pst_hollow_make() has not finished. */
#define FS_UNFINISHED ".penstock-unfinished-"

/* Returns true if the file is known to be not hollow. */
bool fs_is_whole(const struct node *node);
/* Returns the size of the lower file in bytes, 0 if that fails. */
uint64_t fs_length(struct fs *fs, struct node *node);
/*
 * Returns a number that stays the same as long as LOWER (a path) stays mounted and the machine
 * runs: until then the file system loses nothing that was written. Returns FS_INSTANCE_UNKNOWN if
 * the kernel is older than 6.8.
 */
#define FS_INSTANCE_UNKNOWN 1
uint64_t fs_instance(const char *lower);
/*
 * Returns 1 if the file is hollow, 0 if not, FS_UNSETTLED if it is not but has the mark until
 * fs_settle(), or -errno.
 */
#define FS_UNSETTLED 2
int fs_has_mark(struct fs *fs, struct node *node);
/*
 * As fs_has_mark(), and remembers that the file is not hollow. The caller excludes evictions.
 */
int fs_is_hollow(struct fs *fs, struct node *node);
/* Changes of a hollow file by a client. */
enum fs_hollow_change {
	FS_HOLLOW_EMPTIED = 1 << 0, /* truncated to 0 bytes */
	FS_HOLLOW_ATIME = 1 << 1,
	FS_HOLLOW_MTIME = 1 << 2,
	FS_HOLLOW_CAPABILITY = 1 << 3, /* set or removed; a change of the owner removes it */
};
/*
 * Updates the marks of a hollow file after the view has made these changes (FS_HOLLOW_*). The
 * caller prevents fills meanwhile.
 */
int fs_hollow_changed(struct fs *fs, struct node *node, unsigned int changes);

/* Records that a file is to be fetched ahead. Returns true if it was recorded already. */
bool fs_ahead_begins(struct node *node);
/* Opens a directory to read its names. Returns a descriptor, which the caller owns, or -errno. */
int fs_open_node_dir(struct fs *fs, struct node *node);

/* The number of a piece that stands for the whole file. */
#define FS_WHOLE UINT64_MAX

/* A fill of a hollow file or directory, or of a piece of a file. */
struct fs_fill {
	int fd; /* owned: for reading and writing, or of the directory */
	bool dir;
	uint64_t piece;           /* or FS_WHOLE */
	uint64_t off, len;        /* the bytes to fill */
	uint64_t length;          /* the size of the file */
	struct timespec times[2]; /* atime, mtime */
	size_t tag_len;
	char tag[PST_HOLLOW_TAG_MAX];
};
/*
 * Begins a fill of the whole file (piece is FS_WHOLE) or of one piece. Returns 0, and the caller
 * calls fs_fill_end(); FS_FILL_DONE or FS_UNSETTLED if there is nothing to fill; or -errno. The
 * caller runs one fill of a file, or of each piece, at a time.
 */
#define FS_FILL_DONE 1
int fs_fill_begin(struct fs *fs, struct node *node, uint64_t piece, struct fs_fill *ret_fill);
/*
 * Ends a fill whose content or names were written (r is 0), or which failed with r. Restores the
 * times. Returns 0; FS_UNSETTLED if the file, or the piece, is there and has to be settled; or
 * -errno, and it is as hollow as before.
 */
int fs_fill_end(struct fs *fs, struct node *node, struct fs_fill *fill, int r);
/*
 * Settles a filled file: writes its content to the disk and removes the mark, or records that the
 * pieces are on the disk. synced is what fs_settle_begin() has returned, false without it. Returns
 * 0; FS_UNSETTLED or FS_WOULD_WAIT if the caller has to settle the file again; or another -errno.
 * With FS_UNSETTLED, fs_finish() removes the mark of a file of which all pieces are there.
 */
int fs_settle(struct fs *fs, struct node *node, bool synced);
/*
 * Removes the mark of a file if all its pieces are on the disk. The caller prevents fills and
 * changes meanwhile. Returns 0 or -errno; FS_WOULD_WAIT as fs_settle().
 */
int fs_finish(struct fs *fs, struct node *node);
/*
 * Writes the content of filled files to the disk, with one syncfs(2), before fs_settle() of each.
 * Returns false if that failed.
 */
bool fs_settle_begin(struct fs *fs, struct node *const *nodes, size_t n);
/*
 * Sets *ret_when to the time at which a source fetches a hollow file: PST_FETCH_READ if some pieces
 * are there, else what source->when or when_of() says.
 */
int fs_fetch_when(struct fs *fs, struct node *node, const struct pst_source *source,
		  enum pst_fetch_when *ret_when);
/*
 * Finds the first piece that an operation on len bytes at off needs and that is not there. If
 * covers is true, the operation writes all these bytes and does not need pieces that they cover.
 * Returns 1 and *ret_piece, 0 if none is missing, or -errno.
 */
int fs_pieces_missing(struct fs *fs, struct node *node, uint64_t off, uint64_t len, bool covers,
		      uint64_t *ret_piece);
/* Returns how many bytes follow at off in its piece; UINT64_MAX if the file has no piece there. */
uint64_t fs_piece_rest(struct fs *fs, struct node *node, uint64_t off);
/*
 * A thread that may wait calls these around a change of the content of a file that is fetched in
 * pieces: len bytes at off, of which covers is as above; len is 0 if only the size changes. The
 * caller prevents fills meanwhile. They return 0 or -errno.
 */
int fs_pieces_before_write(struct fs *fs, struct node *node, uint64_t off, uint64_t len,
			   bool covers);
int fs_pieces_written(struct fs *fs, struct node *node, uint64_t off, uint64_t len);
/*
 * Records that a client may change the content of a file, before it does. Returns 0, FS_WOULD_WAIT
 * if the content has to be written to the disk before, or -errno.
 */
int fs_hollow_written(struct fs *fs, struct node *node);
/*
 * Makes a file that was filled, whole or in part, hollow again, and frees its content. Returns 0;
 * -EBUSY if the file is open or has changed since it was filled, or was never hollow; or another
 * -errno. The caller prevents fills and truncations meanwhile.
 */
int fs_evict(struct fs *fs, struct node *node);
/*
 * Returns a fanotify group for the opens of files and directories on the file system of LOWER, a
 * descriptor of the clone of LOWER's mount, whose own opens make no events; or -errno. The caller
 * owns it, and must answer each event: until then the opener waits.
 */
int fs_guard_open(int lower);
/*
 * Finds the node of an open file or directory (not of the view) if it lies below LOWER. Returns 1
 * and a strong reference, 0 if it lies elsewhere, or -errno.
 */
int fs_guard_find(struct fs *fs, int fd, struct node **ret_node);
/*
 * Calls fn for each file of LOWER's file system that was filled and not changed since, until fn
 * returns false. path is below the root. Returns 0 or -errno.
 */
typedef bool (*fs_filled_fn)(void *aux, const char *path, const struct stat *st);
int fs_each_filled(struct fs *fs, fs_filled_fn fn, void *aux);
