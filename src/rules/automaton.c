// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Compiles rules to an automaton over the names of a path.
 *
 * A state is the set of positions in lines that a directory has reached. In a state each glob at a
 * position has an effect, and a name has the effects of all globs that it matches. Each sum of
 * effects that a name can have is a node, and each effect that changes the sum is an edge between
 * nodes, so that the effects can be added in any order. The inherited ranks are not in the state:
 * a cell has them beside the number of the state's first node.
 */
#include "rules/automaton.h"
#include "rules/builder.h"
#include "rules/fields.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <errno.h>
#include <string.h>

/* Limits of an automaton, and of the work to compile it: a second or so. */
#define MAX_NODES (1u << 16)
#define MAX_EDGES (1u << 18)
#define MAX_WORK  (24u << 20)
#define MAX_PAIRS (16u << 20) /* of globs whose comparison is remembered, bytes */

void automaton_fini(struct automaton *automaton)
{
	free(automaton->glob);
	free(automaton->row);
	free(automaton->node);
	free(automaton->edge);
	free(automaton->value);
	*automaton = (struct automaton){ 0 };
}

/* The identity of a node. */
struct node_key {
	uint32_t state, next; /* numbers of sets */
	uint64_t file, dir;
};

struct edge_key {
	uint32_t node, glob;
};

/* The state that is being compiled. */
struct state {
	struct builder *builder;
	struct effect *effect; /* owned */
	size_t n_effects;
	struct intern sums; /* arrays of numbers of effects, in order */
	uint32_t *node;     /* of each sum */
	/* For each pair of effects: 0, or MEET or APART after a comparison of the globs. */
	char *meet; /* NULL if there are too many pairs */
};
#define MEET  1
#define APART 2

static void state_fini(struct state *state)
{
	free(state->effect);
	free(state->node);
	free(state->meet);
	intern_fini(&state->sums);
}

static int node_number(struct builder *builder, const struct node_key *key, uint32_t *ret_node)
{
	int r = intern_number(&builder->nodes, key, sizeof(*key), ret_node);

	return r < 0 ? r : *ret_node < MAX_NODES ? 0 : -E2BIG;
}

static struct node_key node_key_of(const struct builder *builder, uint32_t node)
{
	struct node_key key;
	size_t len;

	memcpy(&key, intern_bytes(&builder->nodes, node, &len), sizeof(key));
	return key;
}

static int add_edge(struct builder *builder, uint32_t from, uint32_t glob, uint32_t to)
{
	struct edge_key key = { from, glob };
	struct automaton *automaton = builder->automaton;
	uint32_t number;
	int r = intern_number(&builder->edges, &key, sizeof(key), &number);

	if (r <= 0)
		return r;
	if (number >= MAX_EDGES)
		return -E2BIG;
	if ((number & (number - 1)) == 0) {
		size_t room = number ? 2 * (size_t)number : 1;
		void *edges = reallocarray(automaton->edge, room, sizeof(*automaton->edge));

		if (!edges)
			return -ENOMEM;
		automaton->edge = edges;
	}
	automaton->edge[number] = (struct automaton_edge){ from, glob, to };
	automaton->n_edges = number + 1;
	automaton->row[glob].n_edges++;
	return 0;
}

/* Adds a sum, unless it is known. globs are n numbers of effects, in order. */
static int add_sum(struct state *state, const uint32_t *globs, size_t n, uint32_t node)
{
	uint32_t number;
	int r = intern_number(&state->sums, globs, n * sizeof(*globs), &number);
	uint32_t *nodes;

	if (r <= 0)
		return r;
	if (number >= MAX_EDGES)
		return -E2BIG;
	nodes = reallocarray(state->node, number + 1, sizeof(*nodes));
	if (!nodes)
		return -ENOMEM;
	state->node = nodes;
	nodes[number] = node;
	return 0;
}

/* Returns whether a name may match the globs of both effects. */
static bool meet(struct state *state, uint32_t a, uint32_t b)
{
	const struct rule_glob *glob = state->builder->glob;
	const struct effect *effect = state->effect;
	char *known = state->meet ? &state->meet[a * state->n_effects + b] : NULL;
	bool result;

	if (known && *known)
		return *known == MEET;
	result = rule_globs_meet(&glob[effect[a].glob], &glob[effect[b].glob]);
	if (known)
		*known = result ? MEET : APART;
	return result;
}

/* Returns whether a name may match the glob of an effect and all globs of a sum. */
static bool may_meet(struct state *state, const uint32_t *globs, size_t n, uint32_t number)
{
	state->builder->work += n;
	for (size_t i = 0; i < n; i++)
		if (!meet(state, globs[i], number))
			return false;
	return true;
}

/* The sum of n effects that is extended, outside of state->sums, which may move. */
#define MAX_GLOBS 64
struct extended {
	uint32_t node, globs[MAX_GLOBS + 1];
	size_t n;
};

/* Adds one effect to a sum. */
static int extend_by(struct state *state, const struct extended *sum, uint32_t number)
{
	struct builder *builder = state->builder;
	const struct pst_rules *facts = &builder->automaton->facts;
	const struct effect *effect = &state->effect[number];
	struct node_key old = node_key_of(builder, sum->node), key = old;
	struct extended longer = *sum;
	int64_t next;
	size_t at = sum->n, n_next;
	int r;

	key.file = fields_greatest(facts, old.file, effect->file);
	key.dir = fields_greatest(facts, old.dir, effect->dir);
	intern_bytes(&builder->sets, effect->next, &n_next);
	/* The effect changes nothing; or no name has it and the others. */
	if ((memcmp(&key, &old, sizeof(key)) == 0 && !n_next) ||
	    !may_meet(state, sum->globs, sum->n, number))
		return 0;
	next = builder_join(builder, old.next, effect->next);
	if (next < 0)
		return (int)next;
	key.next = (uint32_t)next;
	if (memcmp(&key, &old, sizeof(key)) == 0)
		return 0;
	r = node_number(builder, &key, &longer.node);
	if (r == 0)
		r = add_edge(builder, sum->node, effect->glob, longer.node);
	if (r == 0 && sum->n == MAX_GLOBS)
		r = -E2BIG;
	if (r < 0)
		return r;
	for (; at && longer.globs[at - 1] > number; at--)
		longer.globs[at] = longer.globs[at - 1];
	longer.globs[at] = number;
	return add_sum(state, longer.globs, sum->n + 1, longer.node);
}

/* Extends a sum by each effect. A name matches at most one glob without wildcards. */
static int extend(struct state *state, const struct extended *sum)
{
	const struct rule_glob *glob = state->builder->glob;
	bool has_name = false;
	int r = 0;

	for (size_t i = 0; i < sum->n; i++)
		has_name |= glob[state->effect[sum->globs[i]].glob].is_name;
	state->builder->work += state->n_effects;
	for (uint32_t i = 0; i < state->n_effects && r == 0; i++)
		if (!has_name || !glob[state->effect[i].glob].is_name)
			r = extend_by(state, sum, i);
	return r < 0 ? r : state->builder->work > MAX_WORK ? -E2BIG : 0;
}

/* Compiles the nodes and edges of a state. Sets *ret_base to its first node. */
static int compile_state(struct builder *builder, uint32_t number, uint32_t *ret_base)
{
	_cleanup_(state_fini) struct state state = { .builder = builder };
	struct effect any;
	int64_t n = builder_effects(builder, number, &any, &state.effect);
	struct node_key key;
	int r;

	if (n < 0)
		return (int)n;
	state.n_effects = (size_t)n;
	if (state.n_effects * state.n_effects < MAX_PAIRS)
		state.meet = calloc(state.n_effects * state.n_effects + 1, 1);
	key = (struct node_key){ number, any.next, any.file, any.dir };
	r = node_number(builder, &key, ret_base);
	if (r == 0)
		r = add_sum(&state, NULL, 0, *ret_base);
	for (uint32_t i = 0; i < state.sums.n && r == 0; i++) {
		struct extended sum = { .node = state.node[i] };
		size_t len;
		const void *globs = intern_bytes(&state.sums, i, &len);

		memcpy(sum.globs, globs, len);
		sum.n = len / sizeof(*sum.globs);
		r = extend(&state, &sum);
	}
	return r;
}

/* Compiles all states. Sets that are only on the way to others are states, too. */
static int compile_states(struct builder *builder)
{
	int r = 0;

	for (uint32_t i = 0; i < builder->sets.n && r == 0; i++) {
		uint32_t *base = reallocarray(builder->base, i + 1, sizeof(*base));

		if (!base)
			return -ENOMEM;
		builder->base = base;
		r = compile_state(builder, i, &base[i]);
	}
	return r;
}

static int fill_nodes(struct builder *builder, struct automaton *automaton)
{
	automaton->n_nodes = builder->nodes.n;
	automaton->node = calloc(automaton->n_nodes, sizeof(*automaton->node));
	if (!automaton->node)
		return -ENOMEM;
	for (uint32_t i = 0; i < automaton->n_nodes; i++) {
		struct node_key key = node_key_of(builder, i);

		automaton->node[i] = (struct pst_rule_node){
			.file = key.file,
			.dir = key.dir,
			.way = builder_way(builder, key.next),
			.next = builder->base[key.next],
		};
	}
	return 0;
}

/* The root has the ranks of lines with the pattern "/". */
static uint64_t root_ranks(const struct builder *builder)
{
	const struct pst_rules *facts = &builder->automaton->facts;
	uint64_t ranks = 0;

	for (size_t i = 0; i < builder->rules->n; i++)
		if (!builder->rules->row[i].pattern.n_parts)
			ranks = fields_greatest(facts, ranks, builder->ranks[i]);
	return fields_inherited(facts, ranks);
}

/* Compiles the lines. Returns 0, -ENOMEM, or -E2BIG without a reason. */
static int compile(const struct rules *rules, unsigned int pairs, struct automaton *ret_automaton)
{
	_cleanup_(automaton_fini) struct automaton automaton = { 0 };
	_cleanup_(builder_fini) struct builder builder = {
		.rules = rules,
		.automaton = &automaton,
	};
	struct pst_rules *facts = &automaton.facts;
	int64_t start = 0;
	int r = fields_make(rules, pairs, &automaton, &builder.ranks);

	if (r == 0)
		r = builder_find_positions(&builder, pairs);
	if (r == 0)
		start = builder_start(&builder);
	if (r == 0 && start >= 0)
		r = compile_states(&builder);
	if (r == 0 && start >= 0)
		r = fill_nodes(&builder, &automaton);
	if (r < 0 || start < 0)
		return r < 0 ? r : -ENOMEM;
	facts->start = root_ranks(&builder) | (uint64_t)builder.base[start] << facts->rank_bits;
	*ret_automaton = automaton;
	automaton = (struct automaton){ 0 };
	return 0;
}

/* Returns the first line with which the lines before it are too large. */
static int find_large(const struct rules *rules, unsigned int pairs, size_t *ret_line)
{
	size_t fits = 0, large = rules->n;

	while (fits + 1 < large) {
		_cleanup_(automaton_fini) struct automaton automaton = { 0 };
		struct rules some = *rules;
		int r;

		some.n = fits + (large - fits) / 2;
		r = compile(&some, pairs, &automaton);
		if (r == -ENOMEM)
			return r;
		if (r == 0)
			fits = some.n;
		else
			large = some.n;
	}
	*ret_line = large - 1;
	return 0;
}

int automaton_compile(const struct rules *rules, unsigned int pairs,
		      struct automaton *ret_automaton, struct pst_error *error)
{
	const struct rule *rule;
	size_t line;
	int r = compile(rules, pairs, ret_automaton);

	if (r == -E2BIG)
		r = find_large(rules, pairs, &line) < 0 ? -ENOMEM : r;
	if (r == -ENOMEM)
		return error_set(error, r, "out of memory");
	if (r == 0)
		return 0;
	rule = &rules->row[line];
	return rule_error(rules, rule, error, r,
			  "with '%.60s' the rules are too large: too many patterns with wildcards "
			  "can match the same name, each with its own directories behind it; write "
			  "fewer of them, or without wildcards before a '/'",
			  rule->pattern.text);
}
