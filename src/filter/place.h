/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The filters that apply to a file by its place in the tree, and the cells of the file. */
#include "filter/call.h"

/* Sets call->child to the filters and cells that a file inherits from its directory. */
void place_inherit(struct filter_call *call, struct filter_node *dir);
/*
 * Gives a node the filters and cells of a place, before the kernel gets the node under that name.
 */
void place_give(struct filter_call *call, struct filter_node *node,
		const struct filter_place *place);
