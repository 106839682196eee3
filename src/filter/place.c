// SPDX-License-Identifier: LGPL-2.1-or-later
#include "filter/place.h"

void place_inherit(struct filter_call *call, struct filter_node *dir)
{
	const struct chain *chain = call->chain;

	call->child.filters = filter_node_filters(dir) & chain->all;
	for (unsigned int i = 0; chain->cells && i < chain->n; i++) {
		const struct chain_entry *entry = chain->entries[i];

		if (entry->cells)
			call->child.cells[entry->bit] = place_cell(call, entry, dir);
	}
}

void place_exclude(struct filter_call *call, struct chain_entry *entry)
{
	uint64_t bit = 1ULL << entry->bit;

	if (call->child.filters & bit && !port_load(&entry->per_child))
		port_store(&entry->per_child, 1);
	call->child.filters &= ~bit;
}

static void give_filters(struct filter_call *call, struct filter_node *node, uint64_t filters)
{
	const struct chain *chain = call->chain;

	/* A file that was just created has no other name, by which a filter could apply. */
	if (call->op->effect == OP_CREATES)
		filter_node_set(node, filters, chain->all | FILTERS_SET);
	/*
	 * A RENAME in the view gives its file the new filters first. A LOOKUP that found the file
	 * by its old name must not take them away.
	 */
	else if (!call->only_name || call->host->renamed_since(call) ||
		 !filter_node_reset(node, filters, chain->all, call->seen))
		filter_node_set(node, filters, chain->all);
}

void place_give(struct filter_call *call, struct filter_node *node,
		const struct filter_place *place)
{
	const struct chain *chain = call->chain;
	uint64_t before = filter_node_filters(node), filters = place->filters;

	/* A filter with at= always applies to the node of at=. */
	for (unsigned int i = 0; chain->attached && i < chain->n; i++)
		if (chain->entries[i]->at == node)
			filters |= 1ULL << chain->entries[i]->bit;
	give_filters(call, node, filters);
	for (unsigned int i = 0; chain->cells && i < chain->n; i++) {
		const struct chain_entry *entry = chain->entries[i];

		if (!entry->cells)
			continue;
		if (place->filters >> entry->bit & 1)
			place_set_cell(call, entry, node, place->cells[entry->bit]);
		else if (!(filter_node_filters(node) >> entry->bit & 1))
			place_set_cell(call, entry, node, 0);
	}
	if (before & FILTERS_SET)
		call->host->filters_changed(call, node, before ^ filter_node_filters(node));
}
