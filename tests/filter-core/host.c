// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host.h"

#include "filter/call-fill.h"
#include "filter/name-check.h"

#include <stdio.h>
#include <stdlib.h>

#define MAX_FILTERS 8
#define ROOM        8192

struct asked asked;
void (*on_event)(struct pst_call *slot);
int n_allocated, n_allocations;
bool allocation_fails;

static struct node *nodes;
static struct filter *filters[MAX_FILTERS];
static unsigned int n_filters;
static struct chain *chain;
static struct pst_call *slot;
static struct filter_saved *saved;
static struct filter_call call;
static uint64_t last_id;

void *port_alloc(size_t size)
{
	n_allocations++;
	if (allocation_fails)
		return NULL;
	n_allocated++;
	return calloc(1, size);
}

void port_free(void *memory)
{
	n_allocated -= memory != NULL;
	free(memory);
}

void note(const char *text)
{
	size_t len = strlen(asked.log);

	snprintf(asked.log + len, sizeof(asked.log) - len, "%s%s", len ? " " : "", text);
}

/*
 * -- the table ----------------------------------------------------------------------------------
 */

static struct node *node_of(const struct filter_node *filter)
{
	return (struct node *)(uintptr_t)filter;
}

static void fill_node(const struct filter_call *c, struct filter_node *filter, bool want_attr,
		      struct pst_node *ret_node)
{
	struct node *node = node_of(filter);

	*ret_node = (struct pst_node){
		.nodeid = node->nodeid,
		.parent = node->parent,
		.attr = { .ino = node->nodeid, .mode = node->type | (want_attr ? 0644 : 0) },
	};
}

static int peek(const struct filter_call *c, struct filter_node *dir, const char *name,
		struct pst_attr *ret_attr, struct filter_node **ret_node)
{
	asked.n_peeks++;
	for (struct node *node = nodes; node; node = node->next) {
		if (node->parent != node_of(dir)->nodeid || strcmp(node->name, name) != 0)
			continue;
		*ret_attr =
			(struct pst_attr){ .ino = node->nodeid, .mode = node->type, .nlink = 1 };
		node->n_refs++;
		*ret_node = &node->filter;
		return 0;
	}
	return -ENOENT;
}

static void put_node(const struct filter_call *c, struct filter_node *filter)
{
	if (filter)
		node_of(filter)->n_refs--;
}

static int real_name(const struct filter_call *c, struct filter_node *dir, const char *name,
		     char ret_real[PST_NAME_SIZE])
{
	/* In this tree "UPPER" is another spelling of "upper". */
	if (strcmp(name, "UPPER") != 0)
		return -ENOENT;
	memcpy(ret_real, "upper", sizeof("upper"));
	return 0;
}

static port_atomic_u64 *cell(const struct filter_call *c, const struct chain_entry *entry,
			     struct filter_node *filter, bool make)
{
	return &node_of(filter)->cells[entry->bit];
}

static void filters_changed(const struct filter_call *c, struct filter_node *filter,
			    uint64_t changed)
{
}

static void rename_begins(struct filter_call *c)
{
}

static bool renamed_since(const struct filter_call *c)
{
	return false;
}

static int run(struct filter_call *c, const struct chain_entry *entry, enum filter_kind kind,
	       uint32_t opcode, struct pst_ctx *ctx, int *ret_verdict)
{
	const struct filter *filter = entry->filter;
	program_fn program = kind == FILTER_NAME ? filter->name :
			     kind == FILTER_PRE  ? filter->pre[opcode] :
						   filter->post[opcode];

	*ret_verdict = 0;
	*ret_verdict = program(c->slot);
	return *ret_verdict == -4095 ? -EIO : 0;
}

static void bad(struct filter_call *c, const struct chain_entry *entry, enum filter_kind kind,
		uint32_t opcode, const char *what, int error)
{
	asked.n_bad++;
}

static void event(struct filter_call *c, const struct chain_entry *entry, enum filter_kind kind,
		  const struct pst_event *e, int error)
{
	asked.error = error;
	asked.n_events++;
	asked.event = *e;
	if (on_event)
		on_event(c->slot);
}

static const struct filter_host table = {
	.fill_node = fill_node,
	.peek = peek,
	.put_node = put_node,
	.real_name = real_name,
	.cell = cell,
	.filters_changed = filters_changed,
	.rename_begins = rename_begins,
	.renamed_since = renamed_since,
	.run = run,
	.bad = bad,
	.event = event,
};

/*
 * -- tests ---------------------------------------------------------------------------------------
 */

struct node *host_node(struct node *dir, const char *name, uint32_t type)
{
	struct node *node = calloc(1, sizeof(*node));

	*node = (struct node){ .nodeid = ++last_id, .type = type, .name = name, .next = nodes };
	if (dir)
		node->parent = dir->nodeid;
	nodes = node;
	return node;
}

struct filter *host_filter(const char *name, uint32_t flags, unsigned int bit)
{
	struct filter *filter = calloc(1, sizeof(*filter));

	filter->facts = (struct filter_facts){ .name = name, .at = "", .flags = flags };
	filter->entry =
		(struct chain_entry){ .filter = filter, .facts = &filter->facts, .bit = bit };
	if (flags & PST_CELLS)
		filter->entry.cells = filter;
	filters[n_filters++] = filter;
	return filter;
}

struct chain *host_chain(void)
{
	struct chain_entry *entries[MAX_FILTERS];

	for (unsigned int i = 0; i < n_filters; i++) {
		struct filter *filter = filters[i];

		entries[i] = &filter->entry;
		filter->facts.ops[FILTER_NAME] = filter->name != NULL;
		for (unsigned int op = 0; op < OP_MAX; op++) {
			filter->facts.ops[FILTER_PRE] |= (uint64_t)(filter->pre[op] != NULL) << op;
			filter->facts.ops[FILTER_POST] |= (uint64_t)(filter->post[op] != NULL)
							  << op;
		}
		for (struct node *node = nodes; node; node = node->next)
			port_or(&node->filter.filters, 1ULL << filter->entry.bit);
	}
	chain = chain_free(chain);
	return chain_new(entries, n_filters, &chain) == 0 ? chain : NULL;
}

struct filter_call *host_call(void)
{
	return &call;
}

void host_init(void)
{
	asked = (struct asked){ 0 };
	on_event = NULL;
	slot = calloc(1, sizeof(*slot) + ROOM);
	saved = calloc(1, sizeof(*saved));
	call = (struct filter_call){
		.host = &table, .slot = slot, .slot_room = ROOM, .saved = saved
	};
}

void host_fini(void)
{
	for (struct node *node = nodes, *next; node; node = next) {
		next = node->next;
		if (node->n_refs)
			abort();
		free(node);
	}
	for (unsigned int i = 0; i < n_filters; i++)
		free(filters[i]);
	chain = chain_free(chain);
	free(slot);
	free(saved);
	nodes = NULL;
	n_filters = 0;
}

void host_begin(struct filter_call *c, uint32_t opcode, struct node *node, const void *arg)
{
	static const char none[128];

	call_begin(c, chain, opcode);
	c->arg = arg ? arg : none;
	c->node = &node->filter;
	c->type = node->type;
	c->caller = (struct pst_caller){ .uid = 1000, .gid = 100 };
	c->data = c->slot->data;
}

int host_before(struct filter_call *c)
{
	int r;

	c->filters = chain_asked(c->chain, c->opcode, c->node, c->node2);
	r = call_fill_save(c);
	return r == 0 ? apply_before(c, name_check_call(c)) : r;
}
