/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Sets and clears the bit of a filter in the masks of all nodes that the kernel knows. The programs
 * of a new filter that goes by names run on each name of the path of each node.
 */
#include "filter/chain.h"

struct fs;
struct req;
struct request_pool;

struct chain_marks {
	struct fs *fs; /* borrowed, as all pointers here */
	struct request_pool *requests;
	const struct chain *chain; /* NULL: none */
	struct chain_entry *new;   /* NULL: none */
	uint64_t gone;             /* bits of filters that have been removed */

	/* Private: */
	bool by_name;    /* the new filter goes by names */
	struct req *req; /* to run its programs on; NULL: they do not run */
	uint64_t *seen;  /* bits of nodes that they have run on; NULL: none */
};

/* Marks all nodes. Waits for a free request. */
void chain_marks_apply(struct chain_marks *marks);
/* Clears the bit of the new filter again. */
void chain_marks_undo(const struct chain_marks *marks);
/*
 * Marks the nodes of a request whose chain has a filter that is being added, because nodes that a
 * request under the old chain has made meanwhile lack the bit.
 */
void chain_marks_update(struct request_pool *requests, struct req *req);
