/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Entries of the chain. An entry is a filter that is loaded for one view, with the directory that
 * it is attached to (at=) and its cells.
 */
#include "filter/chain.h"

struct fs;
struct pst_error;
struct request_pool;

struct chain_entry_config {
	struct request_pool *requests; /* borrowed */
	uint64_t features;             /* FUSE_* that were negotiated with the kernel */
	uint64_t used;                 /* bits of other filters in the masks of nodes */
};

/*
 * Loads the filter of a spec and finds the directory that it is attached to. Refuses a filter that
 * has to see operations which the kernel answers from its cache in this view. Returns 0, or -errno
 * and *error. The caller frees *ret_entry with chain_entry_free().
 */
int chain_entry_new(const struct chain_entry_config *config, const char *spec,
		    struct chain_entry **ret_entry, struct pst_error *error);
/* Unloads the filter and frees the entry. Accepts NULL. Returns NULL. */
struct chain_entry *chain_entry_free(struct fs *fs, struct chain_entry *entry);
/* Returns true if the filter makes the result of READLINK depend on the caller. */
bool chain_entry_varies_symlinks(const struct filter_facts *facts);
