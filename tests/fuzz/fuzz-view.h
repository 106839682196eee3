/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* A view for fuzzers, in this process: see fuzz-kernel.h for who uses it. */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* While it is set, filters are to do nothing. */
extern _Atomic bool view_quiet;

/* Starts a view of a fresh tree with these filters (specs, ended by NULL): one, for all inputs. */
void view_start(const char *const *filters);

/* node, node2, handle: numbers among those that are known; name, name2: see fuzz-tree.h. */
struct view_request {
	uint32_t opcode;
	unsigned int node, node2, handle, name, name2;
	uint32_t size; /* of data that is read, written or set */
	uint32_t mode;
	uint32_t flags;
	uint64_t off;
};
/* Sends it, where it makes sense now, and judges the answer. */
void view_call(const struct view_request *request);

/*
 * Gives everything back, and sees that the view has nothing left and that nothing beside the tree
 * was touched. The tree is fresh again.
 */
void view_settle(void);
