// SPDX-License-Identifier: LGPL-2.1-or-later
/* Decides by the lines of rules, one after the other. No state. */
#include "rules/decide.h"

#include <penstock/filter.h>
#include <string.h>

/* Makes rule the line that decides, in its pairs. */
static void set(struct decided *decided, const struct rule *rule)
{
	if (rule->pair != RULE_DENY) {
		decided->by[rule->pair] = rule;
		return;
	}
	for (unsigned int bit = 0; bit < 32; bit++)
		if (rule->value >> bit & 1)
			decided->by[DECIDE_DENY(bit)] = rule;
}

/* Takes the step from a directory, *decided, to the path below it. */
static void step(const struct rules *rules, const struct rule_path *path, struct decided *decided)
{
	struct decided own = { 0 };

	for (size_t i = 0; i < rules->n; i++)
		if (rule_pattern_matches(&rules->row[i].pattern, path))
			set(&own, &rules->row[i]);
	for (unsigned int i = 0; i < DECIDE_N; i++) {
		const struct rule **by = &decided->by[i];

		/* Only the first verb of a pair holds for what is below. */
		if (*by && (*by)->opposite)
			*by = NULL;
		/* Rules are in one array, so a later line has a greater address. */
		if (own.by[i] && (!*by || own.by[i] > *by))
			*by = own.by[i];
	}
}

/* Returns whether an allow behind the line that hides a directory may match below it. */
static bool is_on_way(const struct rules *rules, const struct rule_path *path,
		      const struct rule *hides)
{
	const struct rule *end = rules->row + rules->n;

	for (const struct rule *rule = hides; path->is_dir && rule < end; rule++)
		if (rule->pair == RULE_HIDE && rule->opposite && rule->pattern.has_way &&
		    rule_pattern_goes_on(&rule->pattern, path))
			return true;
	return false;
}

void rules_decide(const struct rules *rules, const struct rule_path *path,
		  struct decided *ret_decided)
{
	struct decided decided = { 0 };

	for (size_t n = 0; n <= path->n && !decided.hidden; n++) {
		struct rule_path part = *path;
		const struct rule *by;

		part.n = n;
		part.is_dir = n < path->n || path->is_dir;
		step(rules, &part, &decided);
		by = decided.by[RULE_HIDE];
		decided.on_way = by && !by->opposite && is_on_way(rules, &part, by);
		/* The root itself cannot be hidden. */
		decided.hidden = n && by && !by->opposite && !decided.on_way;
		decided.n_hidden = n;
	}
	*ret_decided = decided;
}

uint64_t decided_value(const struct decided *decided, unsigned int pairs)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < DECIDE_N; i++) {
		const struct rule *rule = decided->by[i];

		if (!rule || rule->opposite || !(pairs >> rule->pair & 1))
			continue;
		if (rule->pair == RULE_DENY)
			value |= 1ULL << (i - _RULE_PAIRS);
		else if (rule->pair == RULE_READONLY)
			value |= PST_RULE_READONLY;
		else
			value |= rule->value;
	}
	return value;
}
