/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * An engine for tests of the filter core: nodes are structs, directories are lists of them,
 * programs are C functions. It records the calls of the core.
 */
#include "filter/apply.h"
#include "filter/listing.h"

#define N_CELLS 8

struct node {
	struct filter_node filter;
	uint64_t nodeid, parent;
	uint32_t type;
	const char *name;
	struct node *next; /* in the list of all */
	port_atomic_u64 cells[N_CELLS];
	int n_refs;
};

typedef int (*program_fn)(struct pst_call *call);

struct filter {
	struct chain_entry entry;
	struct filter_facts facts;
	program_fn pre[OP_MAX], post[OP_MAX], name;
};

/* The calls of the core to the engine, in their order. */
struct asked {
	char log[1024];
	unsigned int n_bad, n_events, n_peeks;
	struct pst_event event;
	int error; /* of the last event */
};
extern struct asked asked;

/* filter_host.event() calls it, between the reads of a slot; may be NULL. */
extern void (*on_event)(struct pst_call *slot);

/* Allocations of the core: present ones, and all so far; whether the next one fails. */
extern int n_allocated, n_allocations;
extern bool allocation_fails;

void host_init(void);
void host_fini(void);
struct node *host_node(struct node *dir, const char *name, uint32_t type);
/* Makes a filter with a name, flags and the number of its bit. */
struct filter *host_filter(const char *name, uint32_t flags, unsigned int bit);
/* Makes the chain of all filters, in the order in which they were made, for all nodes so far. */
struct chain *host_chain(void);

/* Returns a call with its own slot; only constant members are set. */
struct filter_call *host_call(void);
/* Begins an operation on a node: filters, type, caller. */
void host_begin(struct filter_call *call, uint32_t opcode, struct node *node, const void *arg);
/* Runs the programs for names and the pre programs of an operation. */
int host_before(struct filter_call *call);
/* Appends a word to asked.log. */
void note(const char *text);
