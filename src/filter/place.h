/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The filters that apply to a file by its place in the tree, and the cells of the file. */
#include "filter/call.h"

/* Returns the cell of a node for a filter; 0 if node is NULL or the filter has no cells. */
static inline uint64_t place_cell(const struct filter_call *call, const struct chain_entry *entry,
				  struct filter_node *node)
{
	port_atomic_u64 *cell = NULL;

	if (entry->cells && node)
		cell = call->host->cell(call, entry, node, false);
	return cell ? port_load(cell) : 0;
}

/* Sets the cell of a node, which may be NULL, for a filter with cells. */
static inline void place_set_cell(const struct filter_call *call, const struct chain_entry *entry,
				  struct filter_node *node, uint64_t value)
{
	port_atomic_u64 *cell = node ? call->host->cell(call, entry, node, value != 0) : NULL;

	if (cell)
		port_store(cell, value);
}

/* Excludes the file from a filter. */
void place_exclude(struct filter_call *call, struct chain_entry *entry);
/* Sets call->child to the filters and cells that a file inherits from its directory. */
void place_inherit(struct filter_call *call, struct filter_node *dir);
/*
 * Gives a node the filters and cells of a place, before the kernel gets the node under that name.
 */
void place_give(struct filter_call *call, struct filter_node *node,
		const struct filter_place *place);
