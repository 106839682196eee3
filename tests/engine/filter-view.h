/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A view with fake filters for tests of what the engine does with them: a tree with one file of
 * each kind, known and open, and a request for each operation.
 */
#include "fake-filter.h"
#include "kernel.h"

/*
 * The lower tree: "file" ("some text"), "link" (to "file"), "dir" with "a", "b", "c" and "sub" in
 * it.
 */
struct filter_view {
	struct kernel *k;
	struct k_chan *c;
	uint64_t file, link, dir; /* looked up once each */
	uint64_t fh, dir_fh;      /* of file, for reading and writing; of dir */
};

/* Starts a view with the options, locks=lower, and these filters (specs, ended by NULL). */
struct filter_view filter_view_start(void **state, const struct k_options *options,
				     const char *const *specs);
/* Closes and forgets the files of struct filter_view, then stops the view. */
void filter_view_stop(struct filter_view *view);

/*
 * Sends a request for this operation that would succeed, and waits for the answer. A file
 * that the request makes is called "new". Returns the error of the reply.
 */
int op_call(struct filter_view *view, uint32_t opcode, struct k_answer *ret_answer);

/* Returns the size of an entry in a listing. */
static inline size_t entry_size(const struct fuse_dirent *dirent, bool plus)
{
	size_t head = plus ? FUSE_NAME_OFFSET_DIRENTPLUS : FUSE_NAME_OFFSET;

	return FUSE_REC_ALIGN(head + dirent->namelen);
}

/* Returns the counters of a program of a filter. */
struct filter_count filter_view_count(struct filter_view *view, const char *filter,
				      const char *program);
