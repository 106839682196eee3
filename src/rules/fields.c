// SPDX-License-Identifier: LGPL-2.1-or-later
/* The fields of an automaton: ranks and values of lines. No state. */
#include "rules/fields.h"
#include "util/cleanup.h"

#include <errno.h>
#include <string.h>

/* A cell has 63 bits for ranks and the number of a node; this leaves 16 for the number. */
#define MAX_RANK_BITS 47

/* A field that is being made. */
struct field {
	enum rule_pair pair;
	uint64_t operations; /* RULE_DENY: those that all its lines have */
};

/* Returns whether the lines with two operations are the same. */
static bool denied_together(const struct rules *rules, uint64_t a, uint64_t b)
{
	for (size_t i = 0; i < rules->n; i++) {
		const struct rule *rule = &rules->row[i];

		if (rule->pair == RULE_DENY && !(rule->value & a) != !(rule->value & b))
			return false;
	}
	return true;
}

/* Makes a field for each group of operations that are denied by the same lines. */
static size_t add_denied(const struct rules *rules, struct field *fields, size_t n)
{
	size_t first = n;
	uint64_t all = 0;

	for (size_t i = 0; i < rules->n; i++)
		if (rules->row[i].pair == RULE_DENY)
			all |= rules->row[i].value;
	for (uint64_t bit = 1; bit && bit <= all; bit <<= 1) {
		size_t i = first;

		if (!(all & bit))
			continue;
		while (i < n && !denied_together(rules, fields[i].operations, bit))
			i++;
		if (i == n)
			fields[n++] = (struct field){ .pair = RULE_DENY };
		fields[i].operations |= bit;
	}
	return n;
}

static size_t find_fields(const struct rules *rules, unsigned int pairs,
			  struct field fields[PST_RULES_FIELDS])
{
	size_t n = 0;

	for (enum rule_pair pair = 0; pair < _RULE_PAIRS; pair++) {
		if (!(pairs >> pair & 1) || !rules_have(rules, pair))
			continue;
		if (pair == RULE_DENY)
			n = add_denied(rules, fields, n);
		else
			fields[n++] = (struct field){ .pair = pair };
	}
	return n;
}

static bool in_field(const struct field *field, const struct rule *rule)
{
	return rule->pair == field->pair &&
	       (field->pair != RULE_DENY || (rule->value & field->operations));
}

/* Returns the value of a line in a field; 0 for the second verb of a pair. */
static uint64_t value_of(const struct field *field, const struct rule *rule)
{
	if (rule->opposite)
		return 0;
	switch (field->pair) {
	case RULE_HIDE:
		return PST_RULE_HIDE;
	case RULE_READONLY:
		return PST_RULE_READONLY;
	case RULE_DENY:
		return field->operations;
	default:
		return rule->value;
	}
}

static int add_value(struct automaton *automaton, uint64_t value)
{
	uint64_t *values = reallocarray(automaton->value, automaton->n_values + 1, sizeof(*values));

	if (!values)
		return -ENOMEM;
	automaton->value = values;
	values[automaton->n_values++] = value;
	return 0;
}

/*
 * Gives ranks to the lines of a field. Lines in a row with the same value have the same rank. Sets
 * the field's bits, which begin at *bit.
 */
static int make_field(const struct rules *rules, const struct field *field, size_t number,
		      struct automaton *automaton, uint64_t *ranks, uint32_t *bit)
{
	uint64_t rank = 0, value = 0;
	uint32_t n_bits = 0;

	automaton->facts.field[number].shift = *bit;
	automaton->facts.field[number].value_at = (uint32_t)automaton->n_values;
	if (add_value(automaton, 0) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < rules->n; i++) {
		uint64_t here = value_of(field, &rules->row[i]);

		if (!in_field(field, &rules->row[i]))
			continue;
		while (!rank || here != value || !(rank & 1) != !here) {
			rank++;
			value = rank & 1 ? here : 0;
			if (add_value(automaton, value) < 0)
				return -ENOMEM;
		}
		/* A file of unknown path has its own owner. */
		if (field->pair != RULE_OWNER)
			automaton->facts.all |= here;
		ranks[i] |= rank << *bit;
	}
	/* Rules have at most 20,000 lines, so the ranks of the last field end below bit 63. */
	while (rank >> n_bits)
		n_bits++;
	automaton->facts.field[number].mask = ((1ULL << n_bits) - 1) << *bit;
	*bit += n_bits;
	return *bit > MAX_RANK_BITS ? -E2BIG : 0;
}

int fields_make(const struct rules *rules, unsigned int pairs, struct automaton *automaton,
		uint64_t **ret_ranks)
{
	_cleanup_(freep) uint64_t *ranks = calloc(rules->n + 1, sizeof(*ranks));
	struct field fields[PST_RULES_FIELDS] = { 0 };
	size_t n = find_fields(rules, pairs, fields);
	uint32_t bit = 0;
	int r = ranks ? 0 : -ENOMEM;

	for (size_t i = 0; i < n && r == 0; i++)
		r = make_field(rules, &fields[i], i, automaton, ranks, &bit);
	if (r < 0)
		return r;
	automaton->facts.n_fields = (uint32_t)n;
	automaton->facts.hides = n && fields[0].pair == RULE_HIDE;
	automaton->facts.rank_bits = bit;
	*ret_ranks = take_ptr(ranks);
	return 0;
}

uint64_t fields_greatest(const struct pst_rules *facts, uint64_t a, uint64_t b)
{
	uint64_t greatest = 0;

	for (uint32_t i = 0; i < facts->n_fields; i++) {
		uint64_t in_a = a & facts->field[i].mask, in_b = b & facts->field[i].mask;

		greatest |= in_a > in_b ? in_a : in_b;
	}
	return greatest;
}

uint64_t fields_inherited(const struct pst_rules *facts, uint64_t ranks)
{
	for (uint32_t i = 0; i < facts->n_fields; i++)
		if (!(ranks >> facts->field[i].shift & 1))
			ranks &= ~facts->field[i].mask;
	return ranks;
}

uint64_t fields_value(const struct automaton *automaton, uint64_t ranks)
{
	const struct pst_rules *facts = &automaton->facts;
	uint64_t value = 0;

	for (uint32_t i = 0; i < facts->n_fields; i++) {
		uint64_t rank = (ranks & facts->field[i].mask) >> facts->field[i].shift;

		value |= automaton->value[facts->field[i].value_at + rank];
	}
	return value;
}
