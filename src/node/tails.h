/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The rest of long file handles, for which a node's record has no room: two arrays after the
 * records in the same memfd, with the same index. Handles of up to FHANDLE_SHORT + TAIL_MIDDLE
 * bytes use the first array only. The kernel allocates pages when they are written.
 */
#include "node/fhandle.h"

#include <sys/types.h>

#define TAIL_MIDDLE 40
#define TAIL_END    64

struct tails {
	int memfd;
	off_t at;           /* offset of the arrays in it */
	uint32_t max;       /* number of tails */
	char *middle, *end; /* TAIL_MIDDLE and TAIL_END bytes each */
};

/* This many tails fill whole pages in either array. */
#define TAILS_WHOLE_PAGES 512

/* Returns the bytes of memory for n tails of handles of at most len bytes. */
size_t tails_bytes(uint8_t len, size_t n);

/* Maps arrays for max nodes at an offset of the memfd (borrowed). Returns 0 or -errno. */
int tails_map(struct tails *tails, int memfd, off_t at, uint32_t max);
void tails_unmap(struct tails *tails);

/* Store, read and compare the bytes of a handle after the first FHANDLE_SHORT. */
void tails_put(struct tails *tails, uint32_t index, const struct fhandle *fh);
/* The caller has set fh->len. */
void tails_get(const struct tails *tails, uint32_t index, struct fhandle *fh);
bool tails_equal(const struct tails *tails, uint32_t index, const struct fhandle *fh);
/* Frees the memory of n tails; first and n are multiples of TAILS_WHOLE_PAGES. */
void tails_punch(struct tails *tails, uint32_t first, uint32_t n);
