/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Adds, removes and replaces the filters of a view. Any thread may change filters, but not from
 * inside a request; changes run one at a time.
 */
#include "filter/chain.h"

#include <penstock/penstock.h>

struct filters;
struct node;
struct invalidator;
struct request_pool;

/*
 * requests and invalidator are borrowed; features are FUSE_* as agreed with the kernel. Returns 0
 * or -ENOMEM.
 */
int filters_new(struct request_pool *requests, struct invalidator *invalidator, uint64_t features,
		struct filters **ret_filters);
struct filters *filters_free(struct filters *filters);

/*
 * Adds the filter of a spec (name is NULL), removes the filter with a name (spec is NULL), or
 * replaces that by the filter of the spec. On return the kernel has nothing cached from before.
 * Returns 0, or -errno and *error: then nothing has changed.
 */
int filters_change(struct filters *filters, const char *name, const char *spec,
		   struct pst_error *error);

/* Returns the chain in force, which stays in memory until filters_unlock(); NULL: none. */
const struct chain *filters_lock(struct filters *filters);
void filters_unlock(struct filters *filters);

/* Runs the programs after FORGET for a node that has no references left. */
void filters_forgotten(struct filters *filters, struct node *node);
