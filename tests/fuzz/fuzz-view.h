/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* A view for fuzzers, in this process; fuzz-kernel.h is its kernel. */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* If set, filters do nothing. */
extern _Atomic bool view_quiet;

/* Starts the view for all inputs, on a new tree, with these filters (SPECs, ended by NULL). */
void view_start(const char *const *filters);

/* node, node2, handle: they choose from those that are known; name, name2: see fuzz-tree.h. */
struct view_request {
	uint32_t opcode;
	unsigned int node, node2, handle, name, name2;
	uint32_t size; /* of data that is read, written or set */
	uint32_t mode;
	uint32_t flags;
	uint64_t off;
};
/* Sends the request if it is possible now, and checks the reply. */
void view_call(const struct view_request *request);

/*
 * Closes and forgets all files, checks that the view has none left and that no file outside the
 * tree has changed, and restores the tree.
 */
void view_settle(void);
