/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The record of a file that is fetched in pieces: which of them are there. */
#include "fs/hollow-private.h"

#define PIECES_MAX 8192

/*
 * HOLLOW_FILLING of such a file. In the attribute, each array ends with the byte of the last piece,
 * and fresh and instance are left out if no piece is fresh.
 */
struct hollow_pieces {
	struct hollow_filling was; /* length: the bytes of the source; clients may append others */
	uint8_t shift;             /* a piece has 1 << shift bytes */
	uint8_t changed;           /* 1: a client has changed the content */
	uint8_t pad[6];
	uint8_t there[PIECES_MAX / 8]; /* a bit for each piece, set when it is on the disk */
	uint8_t fresh[PIECES_MAX / 8]; /* set when it is there, and maybe not on the disk */
	uint64_t instance;             /* fresh is valid on this one only, see fs_instance() */
};

/* Returns the number of pieces. */
uint64_t pieces_n(const struct hollow_pieces *record);
/* Returns the first piece at or after this one that is not there; pieces_n() if there is none. */
uint64_t pieces_next_missing(const struct hollow_pieces *record, uint64_t piece);
bool pieces_are_complete(const struct hollow_pieces *record);
bool pieces_are_fresh(const struct hollow_pieces *record);
bool piece_is_there(const struct hollow_pieces *record, uint64_t piece);
void piece_set(uint8_t *bits, uint64_t piece);
uint64_t piece_begin(const struct hollow_pieces *record, uint64_t piece);
/* Returns the offset behind a piece: the next piece, or the end of what the source has. */
uint64_t piece_end(const struct hollow_pieces *record, uint64_t piece);

/* The state of a hollow file. */
enum filled { FILLED_NOTHING, FILLED_PIECES, FILLED_INTERRUPTED };
/*
 * Reads the record of a file. Without one, *ret_record is that of a file without pieces, and the
 * result is FILLED_NOTHING, or FILLED_INTERRUPTED after a fill of the whole file. Returns an enum
 * filled or -errno.
 */
int pieces_read(const struct fs *fs, int fd, struct hollow_pieces *ret_record);
/* Writes the record. Returns 0 or -errno. */
int pieces_write(const struct fs *fs, int fd, const struct hollow_pieces *record);
/* Reads the record of a file that is open for writing, or makes one. Returns 0 or -errno. */
int pieces_begin(struct fs *fs, int fd, struct hollow_pieces *ret_record);
/* pieces.c: as fs_pieces_missing(). Returns 1 or 0. */
int pieces_find_missing(const struct hollow_pieces *record, uint64_t off, uint64_t len, bool covers,
			uint64_t *ret_piece);
/*
 * pieces.c: stores a record with new bits; the mark goes when all pieces are on the disk. fill has
 * the tag, unless a client has changed the content. The caller holds fs->pieces_lock. Returns 0 or
 * -errno.
 */
int pieces_store(struct fs *fs, struct node *node, const struct fs_fill *fill,
		 const struct hollow_pieces *record);
