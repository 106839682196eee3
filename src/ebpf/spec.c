// SPDX-License-Identifier: LGPL-2.1-or-later
/* Parses a SPEC, and finds the object of a filter. */
#include "ebpf/spec.h"
#include "util/log.h"
#include "util/parse.h"
#include "util/suggest.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAX_OPTIONS   64
#define OBJECT_SUFFIX ".bpf.o" /* of the objects that a NAME finds */

void spec_fini(struct spec *spec)
{
	for (size_t i = 0; i < spec->n_options; i++) {
		free(spec->options[i].name);
		free(spec->options[i].value);
	}
	free(spec->options);
	free(spec->what);
	*spec = (struct spec){ 0 };
}

static int add_option(struct spec *spec, const char *text, struct pst_error *error)
{
	const char *equals = strchr(text, '=');
	struct spec_option *option = &spec->options[spec->n_options];

	if (equals == text)
		return error_set(error, -EINVAL, "'%.100s' has no name of an option before the '='",
				 text);
	if (spec->n_options == MAX_OPTIONS)
		return error_set(error, -E2BIG, "a filter takes at most %d options", MAX_OPTIONS);
	*option = (struct spec_option){ 0 };
	spec->n_options++;
	option->name = equals ? strndup(text, equals - text) : strdup(text);
	option->value = equals ? strdup(equals + 1) : NULL;
	if (!option->name || (equals && !option->value))
		return error_set(error, -ENOMEM, "out of memory");
	for (size_t i = 0; i + 1 < spec->n_options; i++)
		if (strcmp(spec->options[i].name, option->name) == 0)
			return error_set(error, -EINVAL,
					 "option '%s' is given twice: separate the values of a "
					 "list by ':'",
					 option->name);
	return 0;
}

int spec_parse(const char *text, struct spec *ret_spec, struct pst_error *error)
{
	_cleanup_(spec_fini) struct spec spec = { 0 };
	_cleanup_(freep) char *copy = strdup(text);
	char *rest = copy;
	int r;

	spec.options = calloc(MAX_OPTIONS, sizeof(*spec.options));
	if (!copy || !spec.options)
		return error_set(error, -ENOMEM, "out of memory");
	spec.what = strdup(parse_part(&rest, ',', false));
	if (!spec.what)
		return error_set(error, -ENOMEM, "out of memory");
	if (!*spec.what)
		return error_set(error, -EINVAL,
				 "'%.100s' names no filter: write NAME or FILE first, then options",
				 text);
	while (rest) {
		const char *option = parse_part(&rest, ',', false);

		if (!*option)
			continue;
		r = add_option(&spec, option, error);
		if (r < 0)
			return r;
	}
	*ret_spec = spec;
	spec = (struct spec){ 0 };
	return 0;
}

char *spec_name(const char *path)
{
	static const char *const suffixes[] = { OBJECT_SUFFIX, ".o" };
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	size_t len = strlen(name);

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		size_t suffix = strlen(suffixes[i]);

		if (len > suffix && strcmp(name + len - suffix, suffixes[i]) == 0)
			return strndup(name, len - suffix);
	}
	return strdup(name);
}

/*
 * Writes the directory of this program if it runs in its build folder, so that it finds the filters
 * there; else "": the directory of an installed program may contain files of any origin.
 */
static void build_directory(char dir[PATH_MAX])
{
	ssize_t len = readlink("/proc/self/exe", dir, PATH_MAX - 1);
	_cleanup_(freep) char *mark = NULL;
	char *slash;

	dir[len > 0 ? len : 0] = '\0';
	slash = strrchr(dir, '/');
	if (slash)
		*slash = '\0';
	if (asprintf(&mark, "%s/build.ninja", dir) < 0)
		mark = NULL;
	if (!mark || access(mark, F_OK) < 0)
		dir[0] = '\0';
}

/*
 * Returns the directories in which to search a NAME, in order, separated by ':', or NULL if out of
 * memory. The caller frees the text.
 */
static char *search_path(void)
{
	const char *user = secure_getenv("PENSTOCK_FILTER_PATH");
	char built[PATH_MAX], *path;

	build_directory(built);
	if (asprintf(&path, "%s%s%s%s%s", user ? user : "", user && *user ? ":" : "", built,
		     *built ? "/filters:" : "", FILTER_DIR) < 0)
		return NULL;
	return path;
}

void spec_names_fini(struct spec_names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->rows[i]);
	free(names->rows);
	*names = (struct spec_names){ 0 };
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Returns true for the file name of an object that a NAME finds. */
static int is_object(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name), suffix = strlen(OBJECT_SUFFIX);

	return len > suffix && strcmp(entry->d_name + len - suffix, OBJECT_SUFFIX) == 0;
}

/* Adds the names of the objects in a directory, which may be absent. Returns 0 or -ENOMEM. */
static int add_names(struct spec_names *names, const char *dir)
{
	struct dirent **entries = NULL;
	int n = scandir(dir, &entries, is_object, NULL), r = 0;
	char **rows;

	if (n <= 0) {
		free(entries);
		return 0;
	}
	rows = reallocarray(names->rows, names->n + (size_t)n, sizeof(*rows));
	if (rows)
		names->rows = rows;
	else
		r = -ENOMEM;
	for (int i = 0; i < n; i++) {
		char *name = r == 0 ? spec_name(entries[i]->d_name) : NULL;

		if (name)
			names->rows[names->n++] = name;
		else
			r = -ENOMEM;
		free(entries[i]);
	}
	free(entries);
	return r;
}

/* Removes names that occur again. The list is sorted. */
static void drop_repeated(struct spec_names *names)
{
	size_t n = 0;

	for (size_t i = 0; i < names->n; i++) {
		if (n && strcmp(names->rows[n - 1], names->rows[i]) == 0)
			free(names->rows[i]);
		else
			names->rows[n++] = names->rows[i];
	}
	names->n = n;
}

int spec_names(struct spec_names *ret_names)
{
	_cleanup_(spec_names_fini) struct spec_names names = { 0 };
	_cleanup_(freep) char *dirs = search_path();
	char *rest = dirs;
	int r = dirs ? 0 : -ENOMEM;

	while (rest && r == 0)
		r = add_names(&names, parse_part(&rest, ':', false));
	if (r < 0)
		return r;
	if (names.n)
		qsort(names.rows, names.n, sizeof(*names.rows), compare_names);
	drop_repeated(&names);
	*ret_names = names;
	names = (struct spec_names){ 0 };
	return 0;
}

/* Refuses "hide;names=..." and the like, where a ',' is missing. Returns 0 for another text. */
static int check_comma(const struct spec_names *names, const char *what, struct pst_error *error)
{
	size_t len = strcspn(what, "; :=");

	for (size_t i = 0; what[len] && i < names->n; i++)
		if (strncmp(names->rows[i], what, len) == 0 && !names->rows[i][len])
			return error_set(error, -ENOENT,
					 "'%.100s': ',' separates a filter from its options, and "
					 "':' the parts of a list: write %s,%.100s",
					 what, names->rows[i], what + len + 1);
	return 0;
}

/* Returns an error that suggests the filter with the most similar name. */
static int no_such_name(const char *what, const char *dirs, struct pst_error *error)
{
	_cleanup_(spec_names_fini) struct spec_names names = { 0 };
	struct suggestion suggestion = SUGGESTION_INIT;

	if (spec_names(&names) < 0)
		return error_set(error, -ENOMEM, "out of memory");
	if (check_comma(&names, what, error) < 0)
		return error->code;
	if (!names.n)
		return error_set(error, -ENOENT,
				 "there are no filters in %.200s, so there is no filter '%.100s': "
				 "install Penstock, or set PENSTOCK_FILTER_PATH to the directory "
				 "of its filters",
				 dirs, what);
	for (size_t i = 0; i < names.n; i++)
		suggest_try(&suggestion, what, names.rows[i]);
	return error_set(
		error, -ENOENT,
		"there is no filter '%.100s' in %.200s%s%s%s; for an object of your own "
		"write its path, as ./%.60s.bpf.o; `penstock filter list` lists those that "
		"are installed",
		what, dirs, *suggestion.word ? " (did you mean '" : "", suggestion.word,
		*suggestion.word ? "'?)" : "", what);
}

static int find_name(const char *what, char **ret_path, struct pst_error *error)
{
	_cleanup_(freep) char *dirs = search_path(), *copy = dirs ? strdup(dirs) : NULL;
	char *rest = copy;

	if (!copy)
		return error_set(error, -ENOMEM, "out of memory");
	while (rest) {
		_cleanup_(freep) char *path = NULL;
		const char *dir = parse_part(&rest, ':', false);

		if (!*dir)
			continue;
		if (asprintf(&path, "%s/%s" OBJECT_SUFFIX, dir, what) < 0) {
			path = NULL;
			return error_set(error, -ENOMEM, "out of memory");
		}
		if (access(path, F_OK) == 0) {
			*ret_path = take_ptr(path);
			return 0;
		}
	}
	return no_such_name(what, dirs, error);
}

int spec_find(const char *what, char **ret_path, struct pst_error *error)
{
	size_t len = strlen(what);
	char *path;

	if (!strchr(what, '/') && !(len > 2 && strcmp(what + len - 2, ".o") == 0))
		return find_name(what, ret_path, error);
	if (access(what, R_OK) < 0)
		return error_set(error, -errno, "cannot read the filter %.300s: %s", what,
				 strerror(errno));
	/* Absolute, so that the path in reports of the view does not depend on its directory. */
	path = realpath(what, NULL);
	if (!path)
		return error_set(error, -errno, "cannot find the filter %.300s: %s", what,
				 strerror(errno));
	*ret_path = path;
	return 0;
}
