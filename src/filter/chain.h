/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The chain: the filters of a view in the order in which they run, and the sets of filters that
 * have a program for an operation or a property.
 *
 * A chain is constant, except for activating. A change of filters makes a new chain; requests that
 * began under the old chain end under it. Entries belong to the engine and may be in several
 * chains.
 */
#include "filter/facts.h"
#include "filter/node.h"

/* A filter of a view. */
struct chain_entry {
	struct filter *filter;            /* the engine's, for filter_host.run() */
	const struct filter_facts *facts; /* constant */
	unsigned int bit;                 /* constant: its number in filter_node.filters */
	struct filter_node *at;           /* counted: the directory of at=; NULL for the root */
	void *cells;                      /* the engine's, for filter_host.cell(); may be NULL */
	port_atomic_u64 per_child;        /* not 0 if its programs have excluded a file */
};

struct chain {
	unsigned int n;
	struct chain_entry *entries[PST_MAX_FILTERS];

	/* Sets of filters, a bit for each filter: */
	uint64_t all;
	uint64_t pre[OP_MAX], post[OP_MAX]; /* filters with a program for an opcode */
	uint64_t names;                     /* filters with a program for names */
	uint64_t any[OP_MAX];               /* filters that an opcode concerns in any way */
	uint64_t by_caller, data, cacheable, delays, want_attr, want_child, want_cgroup, exact;
	uint64_t cells;    /* filters that use cells */
	uint64_t by_name;  /* filters whose effect depends on names: chain_goes_by_names() */
	uint64_t attached; /* filters with at= */
	uint64_t hides;    /* filters that hide names without looking at the files */
	uint64_t judges;   /* of these: filters whose programs for names do more than that */
	uint64_t reports;  /* filters whose programs for operations only report events */
	uint64_t chooses;  /* filters whose programs for names need not run for all names */
	uint64_t shows;    /* filters whose results of GETATTR and STATX can be kept: PST_SHOWS */
	/* Filters that were just added: the engine is still setting their bits in nodes. */
	port_atomic_u64 activating;
};

/* Returns whether the effect of a filter on a file depends on the name that was looked up. */
bool chain_goes_by_names(const struct filter_facts *facts);
/* Makes the zeroed *chain a chain of these entries. */
void chain_init(struct chain *chain, struct chain_entry *const *entries, unsigned int n);
/* Returns 0 and such a chain, or -ENOMEM. */
int chain_new(struct chain_entry *const *entries, unsigned int n, struct chain **ret_chain);
/* Returns whether a filter has programs for replies with attributes, and may show other owners. */
bool chain_shows(const struct chain *chain);
struct chain *chain_free(struct chain *chain);

/* Returns the filters that are involved in an operation on these nodes, which may be NULL. */
static inline uint64_t chain_asked(const struct chain *chain, uint32_t opcode,
				   const struct filter_node *node, const struct filter_node *node2)
{
	uint64_t held = node ? filter_node_filters(node) : 0;

	if (node2)
		held |= filter_node_filters(node2);
	return chain->any[opcode] & held;
}
