/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Entries of the chain: each is a filter that is loaded for one view, with the directory that it is
 * attached to (at=) and its cells.
 */
#include "filter/chain.h"

struct fs;
struct pst_error;
struct request_pool;

struct chain_entry_config {
	struct request_pool *requests; /* borrowed */
	uint64_t features;             /* FUSE_* as agreed with the kernel */
	uint64_t used;                 /* bits that other filters have in the masks of nodes */
};

/*
 * Loads the filter of a spec and finds the directory that it is attached to. Returns 0, or -errno
 * and *error; also refuses a filter that has to see operations which the kernel answers from a
 * cache in this view.
 */
int chain_entry_new(const struct chain_entry_config *config, const char *spec,
		    struct chain_entry **ret_entry, struct pst_error *error);
/* Takes NULL. */
struct chain_entry *chain_entry_free(struct fs *fs, struct chain_entry *entry);
/* Returns true where the result of READLINK depends on the caller. */
bool chain_entry_varies_symlinks(const struct filter_facts *facts);
