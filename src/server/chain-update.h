/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The filters of a view as they come, go and change. Changes come from one thread at a time each,
 * and never from inside a request.
 */
#include "filter/chain.h"

#include <penstock/penstock.h>

struct filters;
struct node;
struct invalidator;
struct request_pool;

/*
 * requests and invalidator are borrowed; features are FUSE_* as agreed with the kernel. 0 or
 * -ENOMEM.
 */
int filters_new(struct request_pool *requests, struct invalidator *invalidator, uint64_t features,
		struct filters **ret_filters);
struct filters *filters_free(struct filters *filters);

/*
 * Adds the filter of a spec (name is NULL), removes the filter of a name (spec is NULL), or
 * replaces the one by the other. All or nothing: 0, or -errno and *error. On return the kernel has
 * nothing cached from before.
 */
int filters_change(struct filters *filters, const char *name, const char *spec,
		   struct pst_error *error);

/* The chain in force, NULL: none. It, and its filters, stay until filters_unlock(). */
const struct chain *filters_lock(struct filters *filters);
void filters_unlock(struct filters *filters);

/* A node goes that has no references left: tells the filters that want to hear of it. */
void filters_forgotten(struct filters *filters, struct node *node);
