// SPDX-License-Identifier: LGPL-2.1-or-later
#include "filter/node.h"

void filter_node_set(struct filter_node *node, uint64_t filters, uint64_t known)
{
	uint64_t now = port_load(&node->filters), then;

	do {
		then = now & FILTERS_SET & ~known ? now : now & ~known;
		then |= filters | FILTERS_SET;
	} while (now != then && !port_replace(&node->filters, &now, then));
}

bool filter_node_reset(struct filter_node *node, uint64_t filters, uint64_t known, uint64_t seen)
{
	return port_replace(&node->filters, &seen, (seen & ~known) | filters | FILTERS_SET);
}
