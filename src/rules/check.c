// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Finds likely mistakes in rules: lines that can never decide, lines without effect, and syntax of
 * other programs. A finding is always true; not every mistake is found. No state.
 */
#include "rules/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Patterns that begin and end with a wildcard are tried one by one. */
#define MANY_SLOW 50

struct check {
	const struct rules *rules;
	rules_found_fn found;
	void *aux;
	size_t n_slow;
};

__attribute__((format(printf, 3, 4))) static void
report(const struct check *check, const struct rule *rule, const char *format, ...)
{
	char text[400];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	check->found(check->aux, rule, text);
}

static const struct rule *end(const struct check *check)
{
	return check->rules->row + check->rules->n;
}

/* Returns whether two lines decide about the same, so that the later one can replace the other. */
static bool same_pair(const struct rule *a, const struct rule *b)
{
	return a->pair == b->pair && (a->pair != RULE_DENY || !(b->value & ~a->value));
}

/* Returns whether a line of the pair of rule, and after it, has the second verb. */
static bool has_opposite_behind(const struct check *check, const struct rule *rule)
{
	for (const struct rule *later = rule + 1; later < end(check); later++)
		if (later->pair == rule->pair && later->opposite)
			return true;
	return false;
}

/* Returns the later line that decides about all files that a line matches, or NULL. */
static const struct rule *find_stronger(const struct check *check, const struct rule *rule)
{
	for (const struct rule *later = rule + 1; later < end(check); later++) {
		/* A second verb on a directory leaves it to other lines what is below. */
		bool below = !later->opposite && !has_opposite_behind(check, later);

		if (same_pair(later, rule) &&
		    rule_pattern_covers(&later->pattern, &rule->pattern, below))
			return later;
	}
	return NULL;
}

static void check_stronger(const struct check *check, const struct rule *rule)
{
	const struct rule *later = find_stronger(check, rule);
	char verb[200];

	if (!later)
		return;
	rule_verb(later, verb, sizeof(verb));
	if (strcmp(later->pattern.text, rule->pattern.text) != 0)
		report(check, rule,
		       "never decides, because '%s %.60s' in line %u matches the same files: "
		       "remove the line, or move it behind that one",
		       verb, later->pattern.text, later->line);
	else if (later->opposite != rule->opposite)
		report(check, rule,
		       "contradicts '%s %.60s' in line %u, which decides: remove one of the two",
		       verb, later->pattern.text, later->line);
	else
		report(check, rule, "is there again in line %u: remove one of the two",
		       later->line);
}

/* Returns whether a line of the first verb before rule could match what rule matches. */
static bool has_first_before(const struct check *check, const struct rule *rule)
{
	for (const struct rule *before = check->rules->row; before < rule; before++)
		if (before->pair == rule->pair && !before->opposite &&
		    (rule->pair != RULE_DENY || (before->value & rule->value)))
			return true;
	return false;
}

static void check_opposite(const struct check *check, const struct rule *rule)
{
	char verb[200];

	if (rule->opposite && !has_first_before(check, rule))
		report(check, rule,
		       "has no effect, because no line before it says the opposite: put '%s' "
		       "behind the lines to which it is the exception",
		       rule_verb(rule, verb, sizeof(verb)));
}

/* Returns whether the pattern matches each name in each directory. */
static bool matches_all(const struct rule_pattern *pattern)
{
	const char *last = pattern->n_parts ? pattern->part[pattern->n_parts - 1] : NULL;

	if (pattern->n_parts == 1)
		return !last;
	return pattern->n_parts == 2 && !pattern->part[0] && last && strcmp(last, "*") == 0;
}

/* Returns the last line before rule that says the opposite of it about all files, or NULL. */
static const struct rule *find_all_before(const struct check *check, const struct rule *rule)
{
	for (const struct rule *before = rule; before-- > check->rules->row;)
		if (same_pair(before, rule) && !before->opposite && matches_all(&before->pattern))
			return before;
	return NULL;
}

/* Finds an allow that shows less than it seems to, because a line such as "hide *" is before it. */
static void check_allow(const struct check *check, const struct rule *rule)
{
	const struct rule *before = rule->opposite ? find_all_before(check, rule) : NULL;
	char verb[200];

	if (!before)
		return;
	rule_verb(before, verb, sizeof(verb));
	if (rule->pattern.only_dirs)
		report(check, rule,
		       "holds for the directory only: '%s %.40s' in line %u still decides about "
		       "what is in it; for that write %.100s**",
		       verb, before->pattern.text, before->line, rule->pattern.text);
	else if (rule->pair == RULE_HIDE && !rule->pattern.has_way &&
		 strpbrk(rule->pattern.text, "*?["))
		report(check, rule,
		       "shows files in the root of the view only, because '%s %.40s' in line %u "
		       "hides the directories: for all directories write **/%.100s",
		       verb, before->pattern.text, before->line, rule->pattern.text);
}

/* Finds a line about files that are hidden anyway. */
static void check_hidden(const struct check *check, const struct rule *rule)
{
	if (rule->pair == RULE_HIDE)
		return;
	for (const struct rule *hide = check->rules->row; hide < end(check); hide++) {
		if (hide->pair != RULE_HIDE || hide->opposite || has_opposite_behind(check, hide) ||
		    !rule_pattern_covers(&hide->pattern, &rule->pattern, true))
			continue;
		report(check, rule, "has no effect, because line %u hides these files", hide->line);
		return;
	}
}

/* Returns the first of these characters that has no backslash before it, or NULL. */
static const char *find_bare(const char *text, const char *these)
{
	for (; *text; text++)
		if (strchr(these, *text))
			return text;
		else if (*text == '\\' && text[1])
			text++;
	return NULL;
}

/* Finds the syntax of shells and of other programs. */
static void check_syntax(const struct check *check, const struct rule *rule)
{
	const char *text = rule->pattern.text;
	const char *separator = find_bare(text, ",;");

	if (*text == '(')
		report(check, rule,
		       "has '%.100s', which is a pattern here: write it directly behind the verb, "
		       "as in mask(values), or \\%.100s for a name",
		       text, text);
	else if (*text == '"' || *text == '\'')
		report(check, rule,
		       "has a quotation mark in '%.100s', which is part of the name: leave it "
		       "out, and write a blank as '\\ '",
		       text);
	else if (*text == '~' || *text == '$')
		report(check, rule,
		       "has '%.100s': neither ~ nor variables are replaced, paths begin at the "
		       "root of the view",
		       text);
	else if (strchr(text, '{') && strchr(text, ',') && strchr(text, '}'))
		report(check, rule,
		       "has braces in '%.100s', which are part of the name: write a pattern for "
		       "each word",
		       text);
	else if (separator)
		report(check, rule,
		       "has '%.100s': blanks separate patterns here, not '%c'; write '\\%c' for "
		       "the character in a name",
		       text, *separator, *separator);
	else if (strstr(text, "/:") || strstr(text, ":*") || strstr(text, ":/") ||
		 strstr(text, ":."))
		report(check, rule, "has '%.100s': blanks separate patterns here, not ':'", text);
}

static bool is_slow(const struct rule_pattern *pattern)
{
	const char *last = pattern->n_parts ? pattern->part[pattern->n_parts - 1] : NULL;

	return last && last[0] == '*' && last[1] && last[strlen(last) - 1] == '*';
}

static void check_slow(struct check *check, const struct rule *rule)
{
	if (is_slow(&rule->pattern) && ++check->n_slow == MANY_SLOW)
		report(check, rule,
		       "is number %d of the patterns that begin and end with '*': each is tried "
		       "with each new name, which takes 0.2 us; write a beginning or an end",
		       MANY_SLOW);
}

void rules_check_syntax(const struct rules *rules, rules_found_fn found, void *aux)
{
	struct check check = { .rules = rules, .found = found, .aux = aux };

	for (size_t i = 0; i < rules->n; i++)
		check_syntax(&check, &rules->row[i]);
}

void rules_check(const struct rules *rules, rules_found_fn found, void *aux)
{
	struct check check = { .rules = rules, .found = found, .aux = aux };

	for (size_t i = 0; i < rules->n; i++) {
		const struct rule *rule = &rules->row[i];

		check_stronger(&check, rule);
		check_opposite(&check, rule);
		check_allow(&check, rule);
		check_hidden(&check, rule);
		check_syntax(&check, rule);
		check_slow(&check, rule);
	}
}
