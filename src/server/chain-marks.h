/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Sets and clears the bit of a filter in the masks of all nodes that the kernel knows. If a new
 * filter decides by names, its programs run on each name of the path of each node.
 */
#include "filter/chain.h"

struct fs;
struct req;
struct request_pool;

struct chain_marks {
	struct fs *fs; /* borrowed, as all pointers here */
	struct request_pool *requests;
	const struct chain *chain; /* the new chain, or NULL if no filter is left */
	struct chain_entry *new;   /* the new filter, or NULL */
	uint64_t gone;             /* bits of filters that have been removed */

	/* Private: */
	bool by_name;    /* the new filter decides by names */
	struct req *req; /* the request to run programs on, or NULL to run none */
	uint64_t *seen;  /* bits of the nodes that the programs have seen, or NULL */
};

/* Marks all nodes. Waits for a free request, so it must not be called inside a request. */
void chain_marks_apply(struct chain_marks *marks);
/* Clears the bit of the new filter again. */
void chain_marks_undo(const struct chain_marks *marks);
/*
 * Marks the nodes of a request if its chain has a filter that is being added now: a request under
 * the old chain may have created the nodes meanwhile, without the bit of the new filter.
 */
void chain_marks_update(struct request_pool *requests, struct req *req);
