/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The chain: the filters of a view in the order in which they run, and which of them have a program
 * for what.
 *
 * A chain is constant, except for activating. A change makes another chain, which takes the place
 * of the old one; requests end under the chain that they began with. Entries belong to the engine
 * and are in as many chains as name them.
 */
#include "filter/facts.h"
#include "filter/node.h"

/* A filter of a view. */
struct chain_entry {
	struct filter *filter;            /* the engine's: what filter_host.run() runs */
	const struct filter_facts *facts; /* constant */
	unsigned int bit;                 /* constant: its number in filter_node.filters */
	struct filter_node *at;           /* counted: where it is attached; NULL: the root */
	void *cells;                      /* the engine's, for filter_host.cell(); NULL: none */
	port_atomic_u64 per_child;        /* not 0: a program of it has left it off a file */
};

struct chain {
	unsigned int n;
	struct chain_entry *entries[PST_MAX_FILTERS];

	/* Bits of filters: */
	uint64_t all;
	uint64_t pre[OP_MAX], post[OP_MAX]; /* ... with a program for an opcode */
	uint64_t names;                     /* ... with one for names */
	uint64_t any[OP_MAX];               /* ... that have to do with an opcode at all */
	uint64_t by_caller, data, cacheable, delays, want_attr, want_child, want_cgroup, exact;
	uint64_t cells;    /* ... that use cells */
	uint64_t by_name;  /* ... that act on what they know of names */
	uint64_t attached; /* ... that are attached somewhere (at=) */
	uint64_t hides;    /* ... that hide names without a look at files */

	/* ... that not all nodes that they hold for have yet: the engine is giving them the bit. */
	port_atomic_u64 activating;
};

/* Returns whether what a filter does depends on what it has seen of names. */
bool chain_goes_by_names(const struct filter_facts *facts);
/* Returns 0 and a chain of these entries, or -ENOMEM. */
int chain_new(struct chain_entry *const *entries, unsigned int n, struct chain **ret_chain);
/* Returns whether some filter has programs for answers with attributes. */
bool chain_shows(const struct chain *chain);
struct chain *chain_free(struct chain *chain);

/* Returns the filters that have to do with an operation on these nodes (node2 may be NULL). */
static inline uint64_t chain_asked(const struct chain *chain, uint32_t opcode,
				   const struct filter_node *node, const struct filter_node *node2)
{
	uint64_t held = node ? filter_node_filters(node) : 0;

	if (node2)
		held |= filter_node_filters(node2);
	return chain->any[opcode] & held;
}
