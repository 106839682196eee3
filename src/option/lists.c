// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Options that add filters. Several lists of one filter become one SPEC, because a view has each
 * filter once, and it is faster. No state, no locks.
 */
#include "option/lists.h"
#include "rules/filters.h"
#include "util/cleanup.h"
#include "util/log.h"
#include "util/parse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int option_filter_add(struct mount_options *options, const char *spec)
{
	const char **filters =
		reallocarray(options->filters, options->n_filters + 2, sizeof(*filters));

	if (!filters)
		return -ENOMEM;
	filters[options->n_filters++] = spec;
	filters[options->n_filters] = NULL;
	options->filters = filters;
	options->view.filters = filters;
	return 0;
}

/* Makes the options own a text. Returns 0 or -ENOMEM. */
static int own(struct mount_options *options, char *text)
{
	char **copies = reallocarray(options->copies, options->n_copies + 1, sizeof(*copies));

	if (!copies)
		return -ENOMEM;
	options->copies = copies;
	copies[options->n_copies++] = text;
	return 0;
}

int option_rules_add(struct mount_options *options, const char *path, struct pst_error *error)
{
	_cleanup_(rules_filters_fini) struct rules_filters filters = { 0 };
	int r;

	if (options->rules)
		return error_set(error, -EINVAL,
				 "option rules=%s: the view has the rules in %s already: give one "
				 "file, which can have the line: include %s",
				 path, options->rules, path);
	options->rules = path;
	r = rules_filters_make(path, &filters, error);
	if (r < 0)
		return r == -ENOMEM ? r : (error->code = -EINVAL);
	for (size_t i = 0; i < RULES_FILTERS; i++) {
		char *spec = filters.row[i].spec;

		if (!spec)
			continue;
		if (own(options, spec) < 0)
			return -ENOMEM;
		filters.row[i].spec = NULL;
		if (option_filter_add(options, spec) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* Appends a word to a list, with a backslash before each comma, which would end the list. */
static int add_word(char **list, const char *word)
{
	_cleanup_(freep) char *escaped = malloc(2 * strlen(word) + 1);
	char *all, *to = escaped;

	if (!escaped)
		return -ENOMEM;
	for (const char *at = word; *at; at++) {
		if (*at == ',' || *at == ':')
			*to++ = '\\';
		else if (*at == '\\' && at[1])
			*to++ = *at++;
		*to++ = *at;
	}
	*to = '\0';
	if (asprintf(&all, "%s%s%s", *list ? *list : "", *list ? ":" : "", escaped) < 0)
		return -ENOMEM;
	free(*list);
	*list = all;
	return 0;
}

/* Returns the first ',' or ';' of a word that has no backslash before it, or NULL. */
static const char *find_separator(const char *word)
{
	for (; *word; word++)
		if (*word == ',' || *word == ';')
			return word;
		else if (*word == '\\' && word[1])
			word++;
	return NULL;
}

/* Refuses words that match nothing in a view, although they do in other programs. */
static int check_word(const char *option, const char *word, struct pst_error *error)
{
	const char *separator = find_separator(word), *path = word;
	const char *slash = strrchr(word, '/'), *name = slash ? slash + 1 : word;

	if (!*word)
		return error_set(error, -EINVAL,
				 "option %s: a name is empty; it takes names and paths, separated "
				 "by colons",
				 option);
	if (separator)
		return error_set(error, -EINVAL,
				 "option %s: '%.100s' has a '%c': write ':' between two names, and "
				 "'\\%c' for the character in a name",
				 option, word, *separator, *separator);
	if (!slash || *word == '/')
		return 0;
	if (!*name)
		return error_set(error, -EINVAL,
				 "option %s: '%.100s': leave out the '/' at the end", option, word);
	while (strncmp(path, "./", 2) == 0)
		path += 2;
	if (*path == '~' || strstr(path, "..") || strstr(path, "**"))
		path = name;
	return error_set(error, -EINVAL,
			 "option %s: '%.100s' is a path, and paths begin with '/' at the root of "
			 "the view: write '/%.100s', or '%.100s' for the name in every directory",
			 option, word, path, name);
}

/* Finds the lists of a filter, or adds them. Returns NULL if out of memory. */
static struct option_list *find(struct mount_options *options, const char *filter)
{
	struct option_list *lists;

	for (size_t i = 0; i < options->n_lists; i++)
		if (strcmp(options->lists[i].filter, filter) == 0)
			return &options->lists[i];
	lists = reallocarray(options->lists, options->n_lists + 1, sizeof(*lists));
	if (!lists)
		return NULL;
	options->lists = lists;
	lists[options->n_lists] =
		(struct option_list){ .filter = filter, .index = options->n_filters };
	return option_filter_add(options, filter) < 0 ? NULL : &lists[options->n_lists++];
}

int option_lists_add(struct mount_options *options, const char *option, const char *text,
		     struct pst_error *error)
{
	_cleanup_(freep) char *copy = strdup(text);
	struct option_list *list = copy ? find(options, option) : NULL;
	char *rest = copy, *spec;
	int r = 0;

	if (!list)
		return -ENOMEM;
	for (const char *word; r == 0 && (word = parse_part(&rest, ':', false));) {
		r = check_word(option, word, error);
		if (r == 0)
			r = add_word(word[0] == '/' ? &list->paths : &list->names, word);
	}
	if (r < 0)
		return r;
	if (asprintf(&spec, "%s%s%s%s%s", option, list->names ? ",names=" : "",
		     list->names ? list->names : "", list->paths ? ",paths=" : "",
		     list->paths ? list->paths : "") < 0)
		return -ENOMEM;
	free(list->spec);
	list->spec = spec;
	options->filters[list->index] = spec;
	return 0;
}
