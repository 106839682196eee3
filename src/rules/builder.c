// SPDX-License-Identifier: LGPL-2.1-or-later
/* Positions in lines, and sets of them. No locks: one thread compiles. */
#include "rules/builder.h"
#include "rules/fields.h"
#include "util/cleanup.h"

#include <errno.h>
#include <string.h>

void builder_fini(struct builder *builder)
{
	free(builder->ranks);
	free(builder->glob);
	free(builder->position);
	free(builder->base);
	intern_fini(&builder->globs);
	intern_fini(&builder->sets);
	intern_fini(&builder->nodes);
	intern_fini(&builder->edges);
}

/* -- lines ------------------------------------------------------------------------------------- */

static bool is_chosen(const struct rule *rule, unsigned int pairs)
{
	return pairs >> rule->pair & 1 && rule->pattern.n_parts;
}

/*
 * Returns whether a line is one glob for any directory. An allow that is written with directories
 * also opens these, for which it needs positions.
 */
static bool is_plain(const struct rule *rule)
{
	const struct rule_pattern *pattern = &rule->pattern;
	bool opens = rule->pair == RULE_HIDE && rule->opposite && pattern->has_way;

	return !opens && pattern->n_parts == 2 && !pattern->part[0] && pattern->part[1];
}

static int find_glob(struct builder *builder, const char *text, uint32_t *ret_number)
{
	int r;

	*ret_number = ANY_DEPTH;
	if (!text)
		return 0;
	r = intern_number(&builder->globs, text, strlen(text), ret_number);
	if (r <= 0)
		return r;
	rule_glob_init(&builder->glob[*ret_number], text);
	builder->automaton->glob[*ret_number] = (char *)text;
	return 0;
}

static int add_positions(struct builder *builder, uint32_t number)
{
	const struct rule *rule = &builder->rules->row[number];
	uint64_t rank = builder->ranks[number];
	struct pst_rule_row *row;
	uint32_t glob;

	if (is_plain(rule)) {
		if (find_glob(builder, rule->pattern.part[1], &glob) < 0)
			return -ENOMEM;
		row = &builder->automaton->row[glob];
		row->dir = fields_greatest(&builder->automaton->facts, row->dir, rank);
		if (!rule->pattern.only_dirs)
			row->file = fields_greatest(&builder->automaton->facts, row->file, rank);
		return 0;
	}
	for (size_t i = 0; i < rule->pattern.n_parts; i++) {
		struct position *position = &builder->position[builder->n_positions++];

		if (find_glob(builder, rule->pattern.part[i], &position->glob) < 0)
			return -ENOMEM;
		position->rule = number;
		position->last = i + 1 == rule->pattern.n_parts;
	}
	return 0;
}

int builder_find_positions(struct builder *builder, unsigned int pairs)
{
	const struct rules *rules = builder->rules;
	struct automaton *automaton = builder->automaton;
	size_t room = 1;

	for (size_t i = 0; i < rules->n; i++)
		room += rules->row[i].pattern.n_parts;
	builder->position = calloc(room, sizeof(*builder->position));
	builder->glob = calloc(room, sizeof(*builder->glob));
	automaton->glob = calloc(room, sizeof(*automaton->glob));
	automaton->row = calloc(room, sizeof(*automaton->row));
	if (!builder->position || !builder->glob || !automaton->glob || !automaton->row)
		return -ENOMEM;
	for (uint32_t i = 0; i < rules->n; i++)
		if (is_chosen(&rules->row[i], pairs) && add_positions(builder, i) < 0)
			return -ENOMEM;
	automaton->n_globs = builder->globs.n;
	return 0;
}

/* -- sets -------------------------------------------------------------------------------------- */

/* A set that is being made. */
struct set {
	uint32_t *at;
	size_t n;
};

static int compare_numbers(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* Returns the number of a set. Sorts it, and removes what it has twice. */
static int64_t set_number(struct builder *builder, struct set *set)
{
	uint32_t number;
	size_t n = 0;

	if (set->n)
		qsort(set->at, set->n, sizeof(*set->at), compare_numbers);
	for (size_t i = 0; i < set->n; i++)
		if (!i || set->at[i] != set->at[i - 1])
			set->at[n++] = set->at[i];
	builder->work += set->n;
	if (intern_number(&builder->sets, set->at, n * sizeof(*set->at), &number) < 0)
		return -ENOMEM;
	return number;
}

/* Adds a position, and the one behind it where "**" may stand for no directory. */
static void set_add(const struct builder *builder, struct set *set, uint32_t position)
{
	const struct position *at = &builder->position[position];

	set->at[set->n++] = position;
	if (at->glob == ANY_DEPTH && !at->last)
		set->at[set->n++] = position + 1;
}

/* Returns a set in memory that the caller frees; at is NULL if there is none. */
static struct set set_room(size_t n)
{
	return (struct set){ .at = calloc(n + 1, sizeof(uint32_t)) };
}

int64_t builder_start(struct builder *builder)
{
	struct set set = set_room(2 * (size_t)builder->n_positions);
	_cleanup_(freep) uint32_t *owned = set.at;

	if (!set.at)
		return -ENOMEM;
	for (uint32_t i = 0; i < builder->n_positions; i++)
		if (!i || builder->position[i].rule != builder->position[i - 1].rule)
			set_add(builder, &set, i);
	return set_number(builder, &set);
}

static const uint32_t *set_of(const struct builder *builder, uint32_t number, size_t *ret_n)
{
	const uint32_t *at = intern_bytes(&builder->sets, number, ret_n);

	*ret_n /= sizeof(*at);
	return at;
}

int64_t builder_join(struct builder *builder, uint32_t a, uint32_t b)
{
	size_t n_a, n_b;
	const uint32_t *in_a = set_of(builder, a, &n_a), *in_b = set_of(builder, b, &n_b);
	struct set set;
	_cleanup_(freep) uint32_t *owned = NULL;

	if (a == b || !n_b)
		return a;
	if (!n_a)
		return b;
	set = set_room(n_a + n_b);
	owned = set.at;
	if (!owned)
		return -ENOMEM;
	memcpy(set.at, in_a, n_a * sizeof(*in_a));
	memcpy(set.at + n_a, in_b, n_b * sizeof(*in_b));
	set.n = n_a + n_b;
	return set_number(builder, &set);
}

uint64_t builder_way(const struct builder *builder, uint32_t set)
{
	const struct pst_rules *facts = &builder->automaton->facts;
	uint64_t way = 0;
	size_t n;
	const uint32_t *at = set_of(builder, set, &n);

	for (size_t i = 0; i < n; i++) {
		uint32_t number = builder->position[at[i]].rule;
		const struct rule *rule = &builder->rules->row[number];
		uint64_t rank = builder->ranks[number] & facts->field[0].mask;

		if (rule->pair == RULE_HIDE && rule->opposite && rank > way)
			way = rank;
	}
	return way;
}

/* -- effects ----------------------------------------------------------------------------------- */

/* Positions of a state, by their globs. */
struct live {
	uint32_t glob, position;
};

static int compare_live(const void *a, const void *b)
{
	const struct live *x = a, *y = b;

	return x->glob != y->glob ? compare_numbers(&x->glob, &y->glob) :
				    compare_numbers(&x->position, &y->position);
}

/* Joins the effects of n positions with the same glob. set has room for 2 * n positions. */
static int join_effects(struct builder *builder, const struct live *live, size_t n, struct set *set,
			struct effect *ret_effect)
{
	const struct pst_rules *facts = &builder->automaton->facts;
	struct effect effect = { .glob = live->glob };
	int64_t next;

	set->n = 0;
	for (size_t i = 0; i < n; i++) {
		const struct position *at = &builder->position[live[i].position];
		uint64_t rank = builder->ranks[at->rule];

		if (at->glob == ANY_DEPTH)
			set_add(builder, set, live[i].position);
		else if (!at->last)
			set_add(builder, set, live[i].position + 1);
		if (!at->last)
			continue;
		effect.dir = fields_greatest(facts, effect.dir, rank);
		if (!builder->rules->row[at->rule].pattern.only_dirs)
			effect.file = fields_greatest(facts, effect.file, rank);
	}
	next = set_number(builder, set);
	effect.next = (uint32_t)next;
	*ret_effect = effect;
	return next < 0 ? -ENOMEM : 0;
}

int64_t builder_effects(struct builder *builder, uint32_t state, struct effect *ret_any,
			struct effect **ret_effects)
{
	size_t n, n_effects = 0;
	const uint32_t *at = set_of(builder, state, &n);
	_cleanup_(freep) struct live *live = calloc(n + 1, sizeof(*live));
	_cleanup_(freep) struct effect *effects = calloc(n + 1, sizeof(*effects));
	struct set set = set_room(2 * n);
	_cleanup_(freep) uint32_t *owned = set.at;
	struct live none = { .glob = ANY_DEPTH };

	if (!live || !effects || !owned)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		live[i] = (struct live){ builder->position[at[i]].glob, at[i] };
	qsort(live, n, sizeof(*live), compare_live);
	if (join_effects(builder, &none, 0, &set, ret_any) < 0)
		return -ENOMEM;
	for (size_t i = 0, next; i < n; i = next) {
		struct effect *effect = &effects[n_effects];

		for (next = i + 1; next < n && live[next].glob == live[i].glob;)
			next++;
		if (live[i].glob == ANY_DEPTH)
			effect = ret_any;
		else
			n_effects++;
		if (join_effects(builder, &live[i], next - i, &set, effect) < 0)
			return -ENOMEM;
	}
	*ret_effects = take_ptr(effects);
	return (int64_t)n_effects;
}
