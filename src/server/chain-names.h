/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Invalidates the names that the kernel has cached when filters change, and refuses a new filter
 * that would hide a mount point.
 */
#include "filter/chain.h"

struct invalidator;
struct pst_error;
struct req;
struct request_pool;

/* A new filter in a chain of its own, and a request to run its programs on. */
struct chain_names {
	struct request_pool *requests; /* borrowed, as invalidator */
	struct invalidator *invalidator;
	struct chain_entry *entry; /* borrowed; NULL if filters are only removed */
	struct chain *chain;       /* has entry alone */
	struct req *req;           /* borrowed from requests */
	struct pst_error *error;   /* borrowed */
};

/*
 * Prepares a change of filters. entry is the new filter, or NULL. Borrows all pointers until
 * chain_names_fini(). Waits for a free request. Returns 0, or -ENOMEM and *error; the caller must
 * call chain_names_fini() only after 0.
 */
int chain_names_init(struct chain_names *names, struct request_pool *requests,
		     struct invalidator *invalidator, struct chain_entry *entry,
		     struct pst_error *error);
void chain_names_fini(struct chain_names *names);
/*
 * Refuses a filter that hides the mount point of a mount inside the view from all callers: the
 * kernel would detach the mount. The caller calls this before the change, when all nodes to which
 * the filter applies have its bit. Returns 0, or -EBUSY and *names->error.
 */
int chain_names_check_mounts(struct chain_names *names);
/*
 * Invalidates what the kernel has cached under the old chain. The caller calls this after the
 * change. old is the chain before, gone the entry that was removed; both may be NULL.
 */
void chain_names_invalidate(struct chain_names *names, const struct chain *old,
			    const struct chain_entry *gone);
