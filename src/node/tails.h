/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The rest of a long file handle, for which a node's record has no room: two arrays beside the
 * records, in the same memfd and by the same index. Handles of up to FHANDLE_SHORT + TAIL_MIDDLE
 * bytes touch the first one alone. Memory is used where something was written.
 */
#include "node/fhandle.h"

#include <sys/types.h>

#define TAIL_MIDDLE 40
#define TAIL_END    64

struct tails {
	int memfd;
	off_t at; /* where the arrays begin in it */
	uint32_t max;
	char *middle, *end; /* TAIL_MIDDLE and TAIL_END bytes each */
};

/* So many tails fill pages in either array. */
#define TAILS_WHOLE_PAGES 512

/* The memory of n tails of handles that are len bytes long at most. */
size_t tails_bytes(uint8_t len, size_t n);

/* Maps the arrays for max nodes, which lie at an offset of the memfd; 0 or -errno. */
int tails_map(struct tails *tails, int memfd, off_t at, uint32_t max);
void tails_unmap(struct tails *tails, uint32_t max);

/* Store, read and compare the bytes of a handle behind the first FHANDLE_SHORT. */
void tails_put(struct tails *tails, uint32_t index, const struct fhandle *fh);
/* fh->len says how long it is. */
void tails_get(const struct tails *tails, uint32_t index, struct fhandle *fh);
bool tails_equal(const struct tails *tails, uint32_t index, const struct fhandle *fh);
/* Gives memory back; first and n are multiples of TAILS_WHOLE_PAGES. */
void tails_punch(struct tails *tails, uint32_t first, uint32_t n);
