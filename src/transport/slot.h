/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A slot is the memory of one request and its reply, in one piece. It is laid out as the struct
 * pst_call of the filter ABI, so filters see results and data without a copy:
 *
 *	0		the call as filters see it (filter/call-fill.c), with room for names of a
 *			listing; unused without filters
 *	SLOT_OUT	the result of the reply
 *	SLOT_ASIDE	names and data of the request, moved here when the reply has data
 *	SLOT_MESSAGE	the request, if it arrives in one piece: then the data of a WRITE
 *			lies at SLOT_DATA, on a page
 *	SLOT_HEADERS	headers and argument of the request, if names and data arrive
 *			apart from these: then names and data lie at SLOT_DATA
 *	SLOT_DATA	data of requests and of replies
 */
#include "wire/abi.h"

#include <stdbool.h>
#include <stddef.h>

#define SLOT_PAGE       4096u
#define SLOT_OUT        (4 * SLOT_PAGE)
#define SLOT_DATA       (5 * SLOT_PAGE)
#define SLOT_MESSAGE    (SLOT_DATA - sizeof(struct fuse_in_header) - sizeof(struct fuse_write_in))
#define SLOT_HEADERS    (SLOT_DATA - sizeof(struct fuse_uring_req_header))
#define SLOT_OUT_SIZE   1024u
#define SLOT_ASIDE      (SLOT_OUT + SLOT_OUT_SIZE)
#define SLOT_ASIDE_SIZE (SLOT_HEADERS - SLOT_ASIDE)
static_assert(SLOT_HEADERS < SLOT_MESSAGE && SLOT_HEADERS % 8 == 0, "layout of a slot");

/* A slot that is not in use may keep memory for so many bytes of data. */
#define SLOT_KEPT (4 * SLOT_PAGE)
/* The kernel refuses to write requests to smaller buffers. */
#define SLOT_MIN_DATA FUSE_MIN_READ_BUFFER

struct chan_entry;

struct slot {
	char *base; /* page-aligned, SLOT_DATA + data_size bytes */
	size_t data_size;
	/*
	 * The slot lies in a BPF map, which filters can access. The kernel pins each page that it
	 * copies a message to or from, and pinning a page of a map costs several times as much as
	 * pinning a page of ordinary memory.
	 */
	bool in_map;
	struct chan_entry *entry; /* of the channel that owns the slot; NULL if none does */
};

static inline char *slot_message(const struct slot *slot)
{
	return slot->base + SLOT_MESSAGE;
}

static inline size_t slot_message_size(const struct slot *slot)
{
	return SLOT_DATA - SLOT_MESSAGE + slot->data_size;
}

static inline struct fuse_uring_req_header *slot_headers(const struct slot *slot)
{
	return (struct fuse_uring_req_header *)(slot->base + SLOT_HEADERS);
}

static inline char *slot_data(const struct slot *slot)
{
	return slot->base + SLOT_DATA;
}
