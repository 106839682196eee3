// SPDX-License-Identifier: LGPL-2.1-or-later
/* Takes a step in an automaton, as filters do (pst_rules_step()). No state. */
#include "rules/automaton.h"
#include "rules/fields.h"

/* Returns the node that an edge leads to, or the node itself. */
static uint32_t follow(const struct automaton *automaton, uint32_t node, uint32_t glob)
{
	if (!automaton->row[glob].n_edges)
		return node;
	for (size_t i = 0; i < automaton->n_edges; i++)
		if (automaton->edge[i].node == node && automaton->edge[i].glob == glob)
			return automaton->edge[i].to;
	return node;
}

void automaton_step(const struct automaton *automaton, uint64_t cell, const char *name, bool is_dir,
		    struct automaton_file *ret_file)
{
	const struct pst_rules *facts = &automaton->facts;
	uint64_t inherited = cell & ((1ULL << facts->rank_bits) - 1), ranks = 0;
	uint32_t at = (uint32_t)(cell >> facts->rank_bits);
	const struct pst_rule_node *node;
	uint64_t hide = facts->field[0].mask;

	for (uint32_t i = 0; i < automaton->n_globs; i++) {
		const struct pst_rule_row *row = &automaton->row[i];

		if (!rule_glob_matches(automaton->glob[i], name))
			continue;
		ranks = fields_greatest(facts, ranks, is_dir ? row->dir : row->file);
		at = follow(automaton, at, i);
	}
	node = &automaton->node[at];
	ranks = fields_greatest(facts, ranks, is_dir ? node->dir : node->file);
	ranks = fields_greatest(facts, ranks, inherited);
	inherited = fields_inherited(facts, ranks);
	*ret_file = (struct automaton_file){
		.cell = inherited | (uint64_t)node->next << facts->rank_bits,
		.value = fields_value(automaton, ranks),
		.on_way = is_dir && node->way > (inherited & hide) && (inherited & hide),
	};
}
