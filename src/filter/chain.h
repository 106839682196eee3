/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The chain: the filters of a view in the order in which they run, and who has a program for what.
 *
 * A chain is constant, but for arriving. A change makes another one, which takes the place of the
 * old; requests under way end under the chain that they began with. Links belong to server/chain-update.c
 * and are in as many chains as name them.
 */
#include "ebpf/filter.h"
#include "node/node.h"
#include "filter/op.h"

/* A filter of a view. */
struct link {
	struct filter *filter;		/* owned */
	unsigned int bit;		/* constant: its number in node.filters */
	struct node *at;		/* counted: where it is attached; NULL: the root */
	_Atomic uint64_t *cells;	/* by node_number(); NULL: it uses none */
	atomic_bool picks;		/* a program of it has taken it off a file: not all have it */
};

struct chain {
	unsigned int n;
	struct link *links[PST_MAX_FILTERS];

	/* Bits of filters: */
	uint64_t all;
	uint64_t pre[OP_MAX], post[OP_MAX]; /* ... with a program for an opcode */
	uint64_t names;			/* ... with one for names */
	uint64_t any[OP_MAX];		/* ... that have to do with an opcode at all */
	uint64_t by_caller, data, cacheable, delays, want_attr, want_child, want_cgroup, exact;
	uint64_t by_name;		/* ... that act on what they know of names */
	uint64_t attached;		/* ... that are attached somewhere (at=) */
	uint64_t hides;			/* ... that say without a look at a file that its name is hidden */

	/* The link whose bit not all nodes that it holds for have yet: see chain_marks_settle(). */
	struct link *_Atomic arriving;
};

/* Whether what a filter does depends on what it has seen of names. */
bool chain_goes_by_names(const struct filter_facts *facts);
int chain_new(struct link *const *links, unsigned int n, struct chain **ret_chain);
/* Whether some filter has programs for answers with attributes. */
bool chain_shows(const struct chain *chain);
struct chain *chain_free(struct chain *chain);
