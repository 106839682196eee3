/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Names that the kernel has cached when filters change: finds those that a new filter hides, and
 * invalidates all of them.
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
	struct chain_entry *entry; /* borrowed; NULL: filters are only removed */
	struct chain *chain;       /* of that entry alone */
	struct req *req;           /* borrowed from requests */
	struct pst_error *error;   /* borrowed */
};

/*
 * entry: the new filter, NULL: there is none. Waits for a free request. Returns 0, or -ENOMEM and
 * *error; keeps error for chain_names_check_mounts().
 */
int chain_names_init(struct chain_names *names, struct request_pool *requests,
		     struct invalidator *invalidator, struct chain_entry *entry,
		     struct pst_error *error);
void chain_names_fini(struct chain_names *names);
/*
 * Refuses a filter that hides a name from all callers which leads to a mount inside the view. To be
 * called before the change, when all nodes that the filter holds for have its bit. Returns 0, or
 * -EBUSY and the error.
 */
int chain_names_check_mounts(struct chain_names *names);
/*
 * Invalidates what the kernel has cached under the chain before. To be called after the change. old
 * and gone are that chain and the entry that was removed, or NULL.
 */
void chain_names_invalidate(struct chain_names *names, const struct chain *old,
			    const struct chain_entry *gone);
