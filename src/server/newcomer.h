/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What a change of filters does to the names that the kernel has cached: which of them the new
 * filter takes away, and invalidating all of them.
 */
#include "filter/chain.h"

struct pst_error;
struct req;
struct request_pool;
struct invalidator;

/* A new filter, alone, and a request to ask it with; or, without an entry, none. */
struct newcomer {
	struct request_pool *requests; /* borrowed, as invalidator */
	struct invalidator *invalidator;
	struct chain_entry *entry;     /* borrowed; NULL: filters only go */
	struct chain *chain;   /* of that entry alone */
	struct req *req;	       /* borrowed from requests */
};

/* 0 or -ENOMEM with *error set. Waits for a free request. */
int newcomer_init(struct newcomer *newcomer, struct request_pool *requests,
		  struct invalidator *invalidator, struct chain_entry *entry, struct pst_error *error);
void newcomer_fini(struct newcomer *newcomer);
/*
 * Before the change, with the filter's bit on all nodes that it holds for: -EBUSY with *error set
 * where the filter hides a name from everybody that leads to a mount inside the view.
 */
int newcomer_check_mounts(struct newcomer *newcomer, struct pst_error *error);
/*
 * After the change: invalidates what the kernel has cached under the chain before. old, gone: that
 * chain and the entry that goes, NULL: none.
 */
void newcomer_invalidate(struct newcomer *newcomer, const struct chain *old,
			 const struct chain_entry *gone);
