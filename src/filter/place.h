/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The filters that hold for a file by its place in the tree, and their cells. */
#include "filter/call.h"

/* Puts into call->child what a file inherits from its directory, until programs say otherwise. */
void place_inherit(struct filter_call *call, struct filter_node *dir);
/* The kernel is told of a node under a name: what holds at that place holds for the node now. */
void place_give(struct filter_call *call, struct filter_node *node,
		const struct filter_place *place);
