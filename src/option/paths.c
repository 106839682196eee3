// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Finds paths of the machine where options of filters and rules take paths of the view. A user who
 * writes --hide /home/ann/project/.env believes the file to be hidden. No state, no locks.
 */
#include "option/paths.h"
#include "rules/rules.h"
#include "util/cleanup.h"
#include "util/log.h"
#include "util/parse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Returns the part of path below top, "/" for top itself, or NULL. */
static const char *below(const char *path, const char *top)
{
	size_t len = strlen(top);

	if (len < 2 || strncmp(path, top, len) != 0 || (path[len] && path[len] != '/'))
		return NULL;
	return path[len] ? path + len : "/";
}

/* Refuses a path that begins with the real path of directory, unless the view has such a file. */
static int check(const struct mount_options *options, const char *path, const char *directory,
		 struct pst_error *error)
{
	_cleanup_(freep) char *top = directory ? realpath(directory, NULL) : NULL, *inside = NULL;
	const char *rest = top ? below(path, top) : NULL;

	if (!rest)
		return 0;
	if (asprintf(&inside, "%s%s", options->view.lower ? options->view.lower : ".", path) < 0)
		return -ENOMEM;
	if (access(inside, F_OK) == 0)
		return 0;
	return error_set(error, -EINVAL,
			 "'%.200s' is a path of the machine, and paths begin at the root of the "
			 "view: write '%.200s'",
			 path, rest);
}

static int check_both(const struct mount_options *options, const char *path,
		      struct pst_error *error)
{
	int r = check(options, path, options->view.lower ? options->view.lower : ".", error);

	return r < 0 ? r : check(options, path, options->view.mountpoint, error);
}

/* Checks the lists paths= of a SPEC. */
static int check_spec(const struct mount_options *options, const char *spec,
		      struct pst_error *error)
{
	_cleanup_(freep) char *copy = strdup(spec);
	char *rest = copy, *list;
	int r = copy ? 0 : -ENOMEM;

	while (r == 0 && (list = parse_part(&rest, ',', false))) {
		const char *path;

		if (strncmp(list, "paths=", 6) != 0)
			continue;
		list += 6;
		while (r == 0 && (path = parse_part(&list, ':', false)))
			r = check_both(options, path, error);
	}
	return r;
}

static int check_rules(const struct mount_options *options, struct pst_error *error)
{
	_cleanup_(rules_fini) struct rules rules = { 0 };
	struct pst_error why;
	int r = rules_read(options->rules, &rules, error);

	for (size_t i = 0; i < rules.n && r == 0; i++) {
		r = check_both(options, rules.row[i].pattern.text, &why);
		if (r == -EINVAL)
			rule_error(&rules, &rules.row[i], error, r, "%s", why.text);
	}
	return r;
}

int option_paths_check(const struct mount_options *options, struct pst_error *error)
{
	int r = 0;

	for (size_t i = 0; i < options->n_filters && r == 0; i++)
		r = check_spec(options, options->filters[i], error);
	return r == 0 && options->rules ? check_rules(options, error) : r;
}
