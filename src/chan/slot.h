/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A slot: the memory of one request and its answer, in one piece.
 *
 *	0		answer: header and result
 *	SLOT_ASIDE	the request's names and data, moved here when the answer has data of its own
 *	SLOT_MESSAGE	the request, in one piece; so that ...
 *	SLOT_PAGE	... the data of a WRITE begins on a page, and data of answers, too
 */
#include "wire/abi.h"

#include <stddef.h>

#define SLOT_PAGE 4096u
#define SLOT_MESSAGE (SLOT_PAGE - sizeof(struct fuse_in_header) - sizeof(struct fuse_write_in))
#define SLOT_ASIDE 1024u
#define SLOT_OUT_SIZE SLOT_ASIDE
#define SLOT_ASIDE_SIZE (SLOT_MESSAGE - SLOT_ASIDE)

/* The kernel takes no smaller buffers to read requests into. */
#define SLOT_MIN_DATA FUSE_MIN_READ_BUFFER

struct slot {
	char *base;			/* page-aligned, SLOT_PAGE + data_size bytes */
	size_t data_size;
};

static inline char *slot_message(const struct slot *slot)
{
	return slot->base + SLOT_MESSAGE;
}

static inline size_t slot_message_size(const struct slot *slot)
{
	return SLOT_PAGE - SLOT_MESSAGE + slot->data_size;
}

static inline char *slot_data(const struct slot *slot)
{
	return slot->base + SLOT_PAGE;
}
