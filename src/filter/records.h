/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Records of a listing (struct fuse_dirent, fuse_direntplus) where programs can write to them. */
#include "filter/call.h"

/* The fixed part of a record, copied once. */
struct record {
	size_t at, size;             /* in the data */
	struct fuse_entry_out entry; /* zero in a listing without entries */
	uint64_t name;               /* a hash of it */
	struct fuse_dirent dirent;
};

/*
 * Copies the record that begins at ret_record->at + ret_record->size of len bytes; both are 0
 * before the first. Returns 1, 0 behind the last record, or -EINVAL if there is something that is
 * none.
 */
int records_next(const char *data, size_t len, bool plus, struct record *record);

/*
 * Notes the files that a listing with entries tells of, up to room of them, before programs see it.
 * Returns how many there are; *ret_end is the offset behind the last name, 0 if there is none.
 */
size_t records_note(const char *data, size_t len, bool plus, struct filter_entry_id *ids,
		    size_t room, uint64_t *ret_end);

/*
 * Returns whether the answer of a call is a valid listing: all names are valid, and all files are
 * in call->ids, in that order and under those names. Marks in call->ids the files still listed.
 */
bool records_validate(struct filter_call *call);
