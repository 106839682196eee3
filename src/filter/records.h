/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Reads records of a listing (struct fuse_dirent, fuse_direntplus) to which programs can write. */
#include "filter/call.h"

/* A copy of the fixed part of a record. */
struct record {
	size_t at, size;             /* in the data */
	struct fuse_entry_out entry; /* zero in a listing without entries */
	uint64_t name;               /* a hash of the name */
	struct fuse_dirent dirent;
};

/*
 * Copies the next of the records in len bytes of data; *record is zero before the first. Returns 1,
 * 0 after the last record, or -EINVAL if the next record is invalid.
 */
int records_next(const char *data, size_t len, bool plus, struct record *record);

/*
 * Fills ids, which has the given room, with the files of a listing before programs see it. Returns
 * their number. *ret_end is the offset after the last name, or 0 without a name.
 */
size_t records_note(const char *data, size_t len, bool plus, struct filter_entry_id *ids,
		    size_t room, uint64_t *ret_end);

/*
 * Returns whether the reply of a call is a valid listing: all names are valid, and all files are
 * in call->ids, in the same order and under the same names. Sets listed of the files that are left.
 */
bool records_validate(struct filter_call *call);
