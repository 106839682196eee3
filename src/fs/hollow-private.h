/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Files that a source fills: shared by hollow.c, fill.c, pieces.c, settle.c and their callers. */
#include "fs/fs-private.h"
#include "fs/hollow.h"

/* Returns true if the view hides an extended attribute because it is a mark of hollow files. */
bool hollow_is_mark(const struct fs *fs, const char *name);
/* Records that a file is not hollow. */
void hollow_set_whole(struct node *node);
/* Returns true for the errors of a file that has no such extended attribute. */
bool hollow_is_absent(int number);
/* The extended attribute with size and times from before a fill, and its value. */
#define HOLLOW_FILLING "trusted.penstock.filling"
struct hollow_filling {
	uint64_t length;
	struct {
		int64_t sec, nsec;
	} times[2]; /* atime, mtime */
};
/*
 * The extended attribute of a file that was filled and not changed since, and its value: size and
 * times after the fill, fs_config.instance, and the tag.
 */
#define HOLLOW_FILLED "trusted.penstock.filled"
struct hollow_filled {
	struct hollow_filling was;
	uint64_t instance;
	char tag[1024];
};
/* Returns true if a file with the mark was filled on this instance of its file system. */
bool hollow_is_filled(const struct fs *fs, int fd);
/*
 * Reads HOLLOW_FILLED and the length of its tag. Returns 0, HOLLOW_CHANGED if size or mtime are
 * others now, -ENODATA if there is no record, or another -errno.
 */
#define HOLLOW_CHANGED 1
int hollow_read_filled(int fd, struct hollow_filled *ret_filled, size_t *ret_tag_len);
/* Reads HOLLOW_FILLING of a descriptor. Returns false if there is none. */
bool hollow_filling(int fd, struct hollow_filling *ret_filling);
struct hollow_filling hollow_filling_of(const struct stat *st);
/*
 * Save the capabilities of a program (security.capability) in another extended attribute, because
 * each write to the file removes them, and restore them. Both do nothing if there are none. end is
 * true if no more writes follow. Both return 0 or -errno.
 */
#define HOLLOW_CAPABILITY "trusted.penstock.capability"
int hollow_save_capability(int fd);
int hollow_restore_capability(int fd, bool end);
/* Converts the times of a record. */
void hollow_times_of(const struct hollow_filling *filling, struct timespec ret_times[2]);
/*
 * Removes all that an interrupted fill has left in a file, and restores its size, length bytes. fd
 * is open for writing. Returns 0 or -errno.
 */
int hollow_begin_again(int fd, uint64_t length);
/* Records the tag and the state of a file, which is whole from then on. Returns 0 or -errno. */
int hollow_record_filled(struct fs *fs, const struct fs_fill *fill);
/*
 * Removes the mark of a file whose content is on the disk. If evictable is true, records the tag
 * for an eviction. Returns 0 or -errno.
 */
int hollow_finish(struct fs *fs, struct node *node, const struct fs_fill *fill, bool evictable);

/* Reads the tag from fill->fd. Returns 0; FS_FILL_DONE if the file has no mark; or -errno. */
int hollow_read_tag(struct fs_fill *fill);
/* Logs that the disk has refused the content of a file with -errno. */
void hollow_log_lost(int error);

/* As fs_fill_begin() and fs_fill_end(), for one piece, whose bytes are fill->off and fill->len. */
int pieces_fill_begin(struct fs *fs, struct node *node, uint64_t piece, struct fs_fill *fill);
int pieces_fill_end(struct fs *fs, struct node *node, const struct fs_fill *fill);
/* As lseek(2) of the lower file; pieces that are not there are data. Returns -errno on failure. */
off_t pieces_seek(struct fs *fs, struct node *node, int fd, off_t off, int whence);
/*
 * Writes all pieces of a file to the disk and records that. fd is open. Returns 0; FS_UNSETTLED if
 * all pieces are there, so that a fill of any piece removes the mark; or -errno, and the pieces
 * that the disk has refused are not there any more.
 */
int pieces_settle(struct fs *fs, struct node *node, int fd);
/*
 * Records that no fresh piece is there, after the disk has refused a write to the file: the kernel
 * tells that to one caller of fsync(2) only. fd is open.
 */
void pieces_lost(struct fs *fs, int fd);
/*
 * Frees all pieces of a file. fd is open for writing. Returns 0; -EBUSY if a client has changed the
 * content, or nothing was ever fetched; or another -errno.
 */
int pieces_evict(struct fs *fs, int fd);
/* Replaces the times of a file that is being filled, or was interrupted, by those from before. */
void hollow_show_times(struct fs *fs, struct node *node, struct statx *stx);
