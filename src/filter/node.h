/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The state of a node that belongs to the filter core. Each engine embeds it in its own node. */
#include "filter/port.h"

struct filter_node {
	port_atomic_u64 filters; /* a bit for each filter that applies to the node; FILTERS_SET */
};

/* Bit of filters: they were decided for a name of the file, not only inherited. */
#define FILTERS_SET (1ULL << 63)

static inline uint64_t filter_node_filters(const struct filter_node *node)
{
	return port_load(&node->filters);
}

/*
 * Adds the filters of one of its names to a node, and sets FILTERS_SET. A file with several names
 * has the filters of all of them, so that a hard link does not evade a filter. Filters that the
 * node has only inherited (FILTERS_SET is not set) are replaced. Bits that are not in known belong
 * to filters that are being added or removed, and stay. If known has FILTERS_SET, earlier decisions
 * are replaced, too.
 */
void filter_node_set(struct filter_node *node, uint64_t filters, uint64_t known);

/*
 * Replaces earlier decisions if node->filters still is seen, and returns true. Returns false and
 * changes nothing if another thread has changed it.
 */
bool filter_node_reset(struct filter_node *node, uint64_t filters, uint64_t known, uint64_t seen);
