/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * An engine for tests of the filter core: nodes are structs, directories are lists of them,
 * programs are C functions. It writes down what the core asks of it.
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
	unsigned int n_events, n_peeks;
	struct pst_event event;
	int error; /* of the last event */
};
extern struct asked asked;

/* Called in filter_host.event(), between the reads of a slot; NULL: nothing is. */
extern void (*on_event)(struct pst_call *slot);

/* Memory that the core holds; the next allocation fails if that is set. */
extern int n_allocated, n_allocations;
extern bool allocation_fails;

void host_init(void);
void host_fini(void);
struct node *host_node(struct node *dir, const char *name, uint32_t type);
/* A filter under a name, with flags, with the number of its bit. */
struct filter *host_filter(const char *name, uint32_t flags, unsigned int bit);
/* The chain of filters that have been made, in that order; they hold for all nodes that exist. */
struct chain *host_chain(void);

/* A call with a slot of its own, clear but for what is constant. */
struct filter_call *host_call(void);
/* Begins an operation on a node: filters, type, caller. */
void host_begin(struct filter_call *call, uint32_t opcode, struct node *node, const void *arg);
/* Runs an operation up to the answer: before, LOOKUP as far as the name, after. */
int host_before(struct filter_call *call);
/* A program writes its line into asked.log. */
void note(const char *text);
