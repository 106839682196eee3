/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A view for fuzzers, in this process, and the kernel's side of it: it believes answers as far as the
 * kernel does, and keeps the kernel's account of what it knows. Any answer that the kernel could not
 * take, and any difference between the two accounts, ends the program.
 */
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/abi.h"

/* While it is set, filters are to do nothing. */
extern _Atomic bool view_quiet;

/* A view of a fresh tree with these filters (specs, ended by NULL); there is one, for all inputs. */
void view_start(const char *const *filters);

/* Puts the tree below back to what it was. */
void view_fresh_tree(void);

/* Names that there are, and some that there are not. */
const char *view_name(unsigned int n);

/* One request; what is not given is 0. node and node2 are numbers among those that are known. */
struct view_request {
	uint32_t opcode;
	unsigned int node, node2, handle, name, name2;
	uint32_t size;			/* of data that is read, written or set */
	uint32_t mode;
	uint32_t flags;
	uint64_t off;
};
/* Sends it, where it makes sense now, and judges the answer. */
void view_call(const struct view_request *request);

/*
 * Closes and forgets everything, and sees that the view has nothing left, and that nothing outside the
 * lower tree was touched.
 */
void view_settle(void);
