// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Compiles a file of rules (rules/) to the tables that filters step through, see struct pst_rules.
 * A glob becomes a row of the map pst_patterns, whose position the other tables use as its number.
 * No state, no locks.
 */
#include "ebpf/rule-tables.h"
#include "rules/automaton.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define MAX_EDGE_SLOTS (1u << 24)

const char *const rule_table_maps[_RULE_TABLES] = {
	[RULE_ROWS] = "pst_rule_rows",
	[RULE_NODES] = "pst_rule_nodes",
	[RULE_EDGES] = "pst_rule_edges",
	[RULE_VALUES] = "pst_rule_values",
};

void rule_tables_fini(struct rule_tables *tables)
{
	for (int i = 0; i < _RULE_TABLES; i++)
		free(tables->table[i].rows);
	*tables = (struct rule_tables){ 0 };
}

const struct rule_table *rule_tables_find(const struct rule_tables *tables, const char *map)
{
	for (int i = 0; i < _RULE_TABLES; i++)
		if (strcmp(map, rule_table_maps[i]) == 0)
			return &tables->table[i];
	return NULL;
}

/* Makes a table with room for n rows, at least one, because no map is empty. */
static void *make_table(struct rule_tables *tables, enum rule_table_kind kind, size_t n,
			size_t row_size)
{
	n = n ? n : 1;
	tables->table[kind] = (struct rule_table){ calloc(n, row_size), n, row_size };
	return tables->table[kind].rows;
}

/* Stores an edge. Returns false if the elements where it can be are all taken. */
static bool put_edge(struct pst_rule_edge *slots, uint32_t n_slots,
		     const struct pst_rule_edge *edge)
{
	uint32_t at = pst_rule_edge_slot(edge->node, edge->row);

	for (int i = 0; i < PST_RULE_PROBES; i++, at++) {
		if (slots[at & (n_slots - 1)].node != PST_RULE_NO_NODE)
			continue;
		slots[at & (n_slots - 1)] = *edge;
		return true;
	}
	return false;
}

static bool put_edges(const struct automaton *automaton, const uint32_t *row_of,
		      struct pst_rule_edge *slots, uint32_t n_slots)
{
	for (uint32_t i = 0; i < n_slots; i++)
		slots[i] = (struct pst_rule_edge){ .node = PST_RULE_NO_NODE };
	for (size_t i = 0; i < automaton->n_edges; i++) {
		const struct automaton_edge *from = &automaton->edge[i];
		struct pst_rule_edge edge = { from->node, row_of[from->glob], from->to, 0 };

		if (!put_edge(slots, n_slots, &edge))
			return false;
	}
	return true;
}

/* Makes the hash table of edges, so large that each edge is near its place. */
static int make_edges(struct rule_tables *tables, const struct automaton *automaton,
		      const uint32_t *row_of, struct pst_rules *rules)
{
	uint32_t n_slots = 1;

	while (n_slots < 2 * automaton->n_edges)
		n_slots *= 2;
	for (; n_slots <= MAX_EDGE_SLOTS; n_slots *= 2) {
		struct pst_rule_edge *slots;

		free(tables->table[RULE_EDGES].rows);
		slots = make_table(tables, RULE_EDGES, n_slots, sizeof(*slots));
		if (!slots)
			return -ENOMEM;
		rules->n_edge_slots = n_slots;
		if (put_edges(automaton, row_of, slots, n_slots))
			return 0;
	}
	return -E2BIG;
}

/* Copies the tables of the automaton. row_of has the row of each glob. */
static int make_tables(struct rule_tables *tables, const struct automaton *automaton,
		       const uint32_t *row_of, struct pst_rules *rules)
{
	struct pst_rule_row *rows =
		make_table(tables, RULE_ROWS, automaton->n_globs, sizeof(*rows));
	struct pst_rule_node *nodes =
		make_table(tables, RULE_NODES, automaton->n_nodes, sizeof(*nodes));
	uint64_t *values = make_table(tables, RULE_VALUES, automaton->n_values, sizeof(*values));

	if (!rows || !nodes || !values)
		return -ENOMEM;
	for (size_t i = 0; i < automaton->n_globs; i++)
		rows[row_of[i]] = automaton->row[i];
	memcpy(nodes, automaton->node, automaton->n_nodes * sizeof(*nodes));
	if (automaton->n_values)
		memcpy(values, automaton->value, automaton->n_values * sizeof(*values));
	return make_edges(tables, automaton, row_of, rules);
}

static unsigned int pairs_of(const char *verbs)
{
	static const char *const names[_RULE_PAIRS] = {
		[RULE_HIDE] = "hide", [RULE_READONLY] = "readonly", [RULE_DENY] = "deny",
		[RULE_MASK] = "mask", [RULE_OWNER] = "owner",       [RULE_AUDIT] = "audit",
	};
	unsigned int pairs = 0;

	for (int i = 0; i < _RULE_PAIRS; i++)
		if (strstr(verbs, names[i]))
			pairs |= 1u << i;
	return pairs;
}

int rule_tables_read(struct rule_tables *tables, const char *path, const char *verbs,
		     struct patterns *patterns, struct pst_rules *ret_rules,
		     struct pst_error *error)
{
	_cleanup_(rules_fini) struct rules rules = { 0 };
	_cleanup_(automaton_fini) struct automaton automaton = { 0 };
	_cleanup_(freep) uint32_t *row_of = NULL;
	int r = rules_read(path, &rules, error);

	if (r == 0)
		r = automaton_compile(&rules, pairs_of(verbs), &automaton, error);
	if (r < 0)
		return r;
	row_of = calloc(automaton.n_globs + 1, sizeof(*row_of));
	if (!row_of)
		return error_set(error, -ENOMEM, "out of memory");
	*ret_rules = automaton.facts;
	r = patterns_add_globs(patterns, automaton.glob, automaton.n_globs, &ret_rules->names,
			       row_of, error);
	if (r < 0)
		return r;
	rule_tables_fini(tables);
	r = make_tables(tables, &automaton, row_of, ret_rules);
	return r == 0 ? 0 : error_set(error, r, "no memory for the tables of the rules");
}
