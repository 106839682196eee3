/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The names that the kernel has cached when filters change: finds those that a new filter hides,
 * and invalidates all of them.
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
};

/* Returns 0, or -ENOMEM and *error. Waits for a free request. */
int chain_names_init(struct chain_names *names, struct request_pool *requests,
		     struct invalidator *invalidator, struct chain_entry *entry,
		     struct pst_error *error);
void chain_names_fini(struct chain_names *names);
/*
 * To be called before the change, when all nodes that the filter holds for have its bit. Returns
 * -EBUSY and *error where the filter hides a name from all callers that leads to a mount inside the
 * view.
 */
int chain_names_check_mounts(struct chain_names *names, struct pst_error *error);
/*
 * To be called after the change: invalidates what the kernel has cached under the chain before. old
 * and gone are that chain and the entry that was removed, or NULL.
 */
void chain_names_invalidate(struct chain_names *names, const struct chain *old,
			    const struct chain_entry *gone);
