/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The state of a file that the filter core keeps: each engine embeds it in its own node. */
#include "filter/port.h"

struct filter_node {
	port_atomic_u64 filters; /* that hold for the file, a bit each; FILTERS_SET */
};

/* In filters: they were decided for a name of this file, not only inherited from its directory. */
#define FILTERS_SET (1ULL << 63)

static inline uint64_t filter_node_filters(const struct filter_node *node)
{
	return port_load(&node->filters);
}

/*
 * Adds filters to a node's after the filters of one of its names were decided, and sets
 * FILTERS_SET. A file with several names has the filters of all of them, so that a hard link does
 * not evade one. Filters that the node only inherited (FILTERS_SET is not set) are replaced. Bits
 * outside of known, of filters that are being added or removed, stay; with FILTERS_SET in known
 * earlier decisions are replaced, too.
 */
void filter_node_set(struct filter_node *node, uint64_t filters, uint64_t known);

/* Replaces earlier decisions if the mask is still seen; else changes nothing and returns false. */
bool filter_node_reset(struct filter_node *node, uint64_t filters, uint64_t known, uint64_t seen);
