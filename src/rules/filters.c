// SPDX-License-Identifier: LGPL-2.1-or-later
/* Makes the specs of the filters of a file of rules. No state, no locks. */
#include "rules/filters.h"
#include "rules/automaton.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
	const char *name, *spec; /* of the filter, up to the path */
	unsigned int pairs;      /* of verbs that it handles */
	bool always;             /* in the view even if the rules have no line for it */
} filters[RULES_FILTERS] = {
	/* It is always there, so that `rules load` finds a view's rules. */
	{ "rules", "rules,file=", 1u << RULE_HIDE | 1u << RULE_READONLY | 1u << RULE_DENY, true },
	{ "rules-mask", "rules-mask,rules=", 1u << RULE_MASK, false },
	{ "rules-owner", "rules-owner,rules=", 1u << RULE_OWNER, false },
	{ "rules-audit", "rules-audit,rules=", 1u << RULE_AUDIT, false },
};

void rules_filters_fini(struct rules_filters *made)
{
	for (size_t i = 0; i < RULES_FILTERS; i++)
		free(made->row[i].spec);
}

/* Returns a spec with the path, in which a backslash is before each comma and backslash. */
static char *make_spec(const char *spec, const char *path)
{
	size_t len = strlen(spec);
	char *made = malloc(len + 2 * strlen(path) + 1);

	if (!made)
		return NULL;
	memcpy(made, spec, len);
	for (; *path; path++) {
		if (*path == ',' || *path == '\\')
			made[len++] = '\\';
		made[len++] = *path;
	}
	made[len] = '\0';
	return made;
}

static bool has_lines(const struct rules *rules, unsigned int pairs)
{
	for (enum rule_pair pair = 0; pair < _RULE_PAIRS; pair++)
		if ((pairs >> pair & 1) && rules_have(rules, pair))
			return true;
	return false;
}

/* Returns the absolute path without following links: included files are beside the link. */
static char *absolute_path(const char *path)
{
	_cleanup_(freep) char *directory = NULL;
	char *absolute;

	if (*path == '/')
		return strdup(path);
	directory = getcwd(NULL, 0);
	if (!directory || asprintf(&absolute, "%s/%s", directory, path) < 0)
		return NULL;
	return absolute;
}

int rules_filters_make(const char *path, struct rules_filters *ret_filters, struct pst_error *error)
{
	_cleanup_(rules_filters_fini) struct rules_filters made = { 0 };
	_cleanup_(rules_fini) struct rules rules = { 0 };
	_cleanup_(freep) char *absolute = absolute_path(path);
	int r;

	if (!absolute)
		return error_set(error, -errno, "cannot find the working directory: %s",
				 strerror(errno));
	r = rules_read(path, &rules, error);
	for (size_t i = 0; i < RULES_FILTERS && r == 0; i++) {
		_cleanup_(automaton_fini) struct automaton automaton = { 0 };

		made.row[i].name = filters[i].name;
		if (!filters[i].always && !has_lines(&rules, filters[i].pairs))
			continue;
		r = automaton_compile(&rules, filters[i].pairs, &automaton, error);
		made.row[i].spec = make_spec(filters[i].spec, absolute);
		if (r == 0 && !made.row[i].spec)
			r = error_set(error, -ENOMEM, "out of memory");
	}
	if (r < 0)
		return r;
	*ret_filters = made;
	made = (struct rules_filters){ 0 };
	return 0;
}
