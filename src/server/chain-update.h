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
 * Creates an empty list of filters. Borrows requests and invalidator; features are FUSE_* that were
 * negotiated with the kernel. Returns 0 or -ENOMEM.
 */
int filters_new(struct request_pool *requests, struct invalidator *invalidator, uint64_t features,
		struct filters **ret_filters);
struct filters *filters_free(struct filters *filters);

/*
 * Adds the filter of a spec (name is NULL), removes the filter with a name (spec is NULL), or
 * replaces the filter with a name by the filter of a spec. Returns 0; or -errno and *error, and
 * then nothing has changed.
 *
 * When this function returns 0, all later requests run under the new filters, and the kernel can no
 * longer use a reply that it has cached, or receives late, from before the change. There are three
 * exceptions:
 *
 * - A file that was open already, and whose data a new filter sees: the kernel reads and writes it
 *   directly until it is closed.
 * - A request that has not ended after 30 seconds (it waits for a lease, or for a slow disk): it
 *   ends under the old filters, and the kernel may cache its reply. A line in the log says so.
 * - Names that a program before LOOKUP shows although the directory does not have them: the kernel
 *   keeps them if it is older than Linux 6.16, or if a mount is inside the view.
 *
 * Must not be called by a thread that runs a request: it would wait for this request.
 */
int filters_change(struct filters *filters, const char *name, const char *spec,
		   struct pst_error *error);

/*
 * Returns the chain in force, or NULL if there are no filters. The chain stays in memory until
 * filters_unlock(), which the caller must call in both cases.
 */
const struct chain *filters_lock(struct filters *filters);
void filters_unlock(struct filters *filters);

/* Runs the programs after FORGET for a node that has no references left. */
void filters_forgotten(struct filters *filters, struct node *node);
