// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Parses patterns of .gitignore files. A pattern without '/', or with one at its end only, matches
 * in any directory: it becomes the components "**" and itself. All others match from the root.
 *
 * A pattern that git accepts but that could never match anything is an error here.
 */
#include "rules/pattern.h"
#include "util/cleanup.h"
#include "util/log.h"
#include "util/name.h"

#include <errno.h>
#include <string.h>

#define MAX_NAME 255 /* bytes of a component */

void rule_pattern_fini(struct rule_pattern *pattern)
{
	for (size_t i = 0; i < pattern->n_parts; i++)
		free(pattern->part[i]);
	free(pattern->part);
	free(pattern->text);
	*pattern = (struct rule_pattern){ 0 };
}

/* -- one component ----------------------------------------------------------------------------- */

/* A component that is being written. Longer ones are cut, and refused at the end. */
struct writer {
	char text[4 * MAX_NAME];
	size_t len;
};

static void put(struct writer *w, char c)
{
	if (w->len < sizeof(w->text) - 1)
		w->text[w->len++] = c;
}

static void put_char(struct writer *w, char c)
{
	if (strchr("*?[]\\!-", c))
		put(w, '\\');
	put(w, c);
}

static void put_range(struct writer *w, unsigned char from, unsigned char to)
{
	put_char(w, (char)from);
	if (from == to)
		return;
	put(w, '-');
	put_char(w, (char)to);
}

/* The classes of POSIX, as git has them: ranges of ASCII, in pairs. */
static const struct {
	const char *name, *ranges;
} classes[] = {
	{ "alnum", "09AZaz" },   { "alpha", "AZaz" },
	{ "blank", "  \t\t" },   { "cntrl", "\1\37\177\177" },
	{ "digit", "09" },       { "graph", "!~" },
	{ "lower", "az" },       { "print", " ~" },
	{ "punct", "!/:@[`{~" }, { "space", "\t\n\r\r  " },
	{ "upper", "AZ" },       { "xdigit", "09AFaf" },
};

/* Writes the class whose name begins at p. Returns where it ends, or NULL if there is none. */
static const char *put_class(struct writer *w, const char *p)
{
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		size_t len = strlen(classes[i].name);

		if (strncmp(p, classes[i].name, len) != 0 || strncmp(p + len, ":]", 2) != 0)
			continue;
		for (const char *r = classes[i].ranges; *r; r += 2)
			put_range(w, (unsigned char)r[0], (unsigned char)r[1]);
		return p + len + 2;
	}
	return NULL;
}

/* Returns the character of a set at *p, and moves *p behind it; 0 at the end of the text. */
static unsigned char set_char(const char **p)
{
	if (**p == '\\')
		(*p)++;
	return **p ? (unsigned char)*(*p)++ : 0;
}

static int refuse_set(const char *word, const char *why, struct pst_error *error)
{
	return error_set(error, -EINVAL, "'%.100s' %s", word, why);
}

/* Writes the set that begins at *p, behind its '['. */
static int put_set(struct writer *w, const char **p, const char *word, struct pst_error *error)
{
	static const char open[] =
		"has a '[' without characters and a ']' behind it: write \\[ for the character "
		"itself, and '\\ ' for a blank in a set";
	const char *at = *p;

	put(w, '[');
	if (*at == '!' || *at == '^') {
		put(w, '!');
		at++;
	}
	/* A ']' that comes first is a character of the set. */
	for (bool first = true; first || *at != ']'; first = false) {
		unsigned char from, to;

		if (at[0] == '[' && at[1] == ':' && strstr(at, ":]")) {
			at = put_class(w, at + 2);
			if (!at)
				return refuse_set(
					word,
					"has a class that does not exist: there are alnum, "
					"alpha, blank, cntrl, digit, graph, lower, print, "
					"punct, space, upper and xdigit",
					error);
			continue;
		}
		from = to = set_char(&at);
		if (from && at[0] == '-' && at[1] && at[1] != ']') {
			at++;
			to = set_char(&at);
		}
		if (!from || !to)
			return refuse_set(word, open, error);
		if (from >= 0x80 || to >= 0x80)
			return refuse_set(word,
					  "has a set with a character that is not ASCII: a set "
					  "matches one byte, and the character has several; write "
					  "a pattern for each of the characters",
					  error);
		put_range(w, from, to);
	}
	put(w, ']');
	*p = at + 1;
	return 0;
}

/* Writes a component in the form of filters. Returns 0, or -errno and *error. */
static int parse_part(const char *part, const char *word, char **ret_glob, struct pst_error *error)
{
	struct writer w = { .len = 0 };
	bool star = false;
	int r = 0;

	while (*part && r == 0) {
		char c = *part++;
		bool after_star = star;

		star = c == '*';
		if (c == '*' || c == '?') {
			if (!star || !after_star)
				put(&w, c);
		} else if (c == '[') {
			r = put_set(&w, &part, word, error);
		} else {
			if (c == '\\')
				c = *part++;
			put_char(&w, c);
		}
	}
	if (r < 0)
		return r;
	if (w.len > MAX_NAME)
		return error_set(error, -ENAMETOOLONG,
				 "'%.60s...' has a name of more than %d bytes, the longest that a "
				 "file can have",
				 word, MAX_NAME);
	w.text[w.len] = '\0';
	*ret_glob = strdup(w.text);
	return *ret_glob ? 0 : error_set(error, -ENOMEM, "out of memory");
}

/* -- the pattern ------------------------------------------------------------------------------- */

static int add_part(struct rule_pattern *pattern, char *glob)
{
	char **part = reallocarray(pattern->part, pattern->n_parts + 1, sizeof(*part));

	if (!part) {
		free(glob);
		return -ENOMEM;
	}
	pattern->part = part;
	part[pattern->n_parts++] = glob;
	return 0;
}

/* Makes the checks of a whole word. */
static int check_word(const char *word, struct pst_error *error)
{
	size_t len = strlen(word), n = 0;

	if (!*word)
		return error_set(error, -EINVAL, "a '!' stands alone: write a pattern behind it");
	while (n < len && word[len - 1 - n] == '\\')
		n++;
	if (n % 2)
		return error_set(error, -EINVAL,
				 "'%.100s' ends in a backslash: write \\\\ for a backslash, or add "
				 "the character that it quotes",
				 word);
	for (const char *p = word; *p; p++) {
		if (*p == '\\' && *++p == '/')
			return error_set(
				error, -EINVAL,
				"'%.100s' has a backslash before a '/': no name contains a "
				"'/', so leave the backslash out",
				word);
	}
	return 0;
}

static int check_part(const char *part, const char *word, struct pst_error *error)
{
	if (!*part)
		return error_set(error, -EINVAL,
				 "'%.100s' has two '/' in a row, which no path has: leave one out",
				 word);
	if (name_is_dots(part))
		return error_set(error, -EINVAL,
				 "'%.100s' has the component '%s', which no path has: write paths "
				 "from the root of the view, as in /src/main.c",
				 word, part);
	return 0;
}

static int parse_parts(struct rule_pattern *pattern, char *body, struct pst_error *error)
{
	char *rest = body, *part;
	int r = 0;

	while (r == 0 && (part = strsep(&rest, "/"))) {
		bool any = strcmp(part, "**") == 0 && pattern->has_way;
		char *glob = NULL;

		r = check_part(part, pattern->text, error);
		/* Two "**" in a row mean the same as one. */
		if (r == 0 && any && pattern->n_parts && !pattern->part[pattern->n_parts - 1])
			continue;
		if (r == 0 && !any)
			r = parse_part(part, pattern->text, &glob, error);
		if (r == 0 && add_part(pattern, glob) < 0)
			r = error_set(error, -ENOMEM, "out of memory");
	}
	return r;
}

int rule_pattern_parse(const char *word, struct rule_pattern *ret_pattern, struct pst_error *error)
{
	_cleanup_(rule_pattern_fini) struct rule_pattern pattern = { .text = strdup(word) };
	_cleanup_(freep) char *copy = strdup(word);
	char *body = copy;
	size_t len;
	int r;

	if (!copy || !pattern.text)
		return error_set(error, -ENOMEM, "out of memory");
	r = check_word(word, error);
	if (r < 0)
		return r;
	if (strcmp(word, "/") != 0) {
		len = strlen(body);
		pattern.only_dirs = body[len - 1] == '/';
		if (pattern.only_dirs)
			body[len - 1] = '\0';
		pattern.has_way = strchr(body, '/');
		body += *body == '/';
		if (!pattern.has_way && add_part(&pattern, NULL) < 0)
			return error_set(error, -ENOMEM, "out of memory");
		r = parse_parts(&pattern, body, error);
		if (r < 0)
			return r;
	}
	*ret_pattern = pattern;
	pattern = (struct rule_pattern){ 0 };
	return 0;
}

/* -- matching ---------------------------------------------------------------------------------- */

/* Returns whether the components from part on match the names from name on. */
static bool matches_from(const struct rule_pattern *pattern, const struct rule_path *path,
			 size_t part, size_t name)
{
	for (; part < pattern->n_parts; part++, name++) {
		if (pattern->part[part]) {
			if (name == path->n ||
			    !rule_glob_matches(pattern->part[part], path->name[name]))
				return false;
			continue;
		}
		/* At the end "**" is all that is inside. */
		if (part + 1 == pattern->n_parts)
			return name < path->n;
		for (; name < path->n; name++)
			if (matches_from(pattern, path, part + 1, name))
				return true;
		return false;
	}
	return name == path->n;
}

bool rule_pattern_matches(const struct rule_pattern *pattern, const struct rule_path *path)
{
	if (!pattern->n_parts)
		return path->n == 0;
	return path->n && (path->is_dir || !pattern->only_dirs) &&
	       matches_from(pattern, path, 0, 0);
}

bool rule_pattern_goes_on(const struct rule_pattern *pattern, const struct rule_path *path)
{
	for (size_t i = 0; i < pattern->n_parts; i++)
		if (i == path->n || !pattern->part[i])
			return true;
		else if (!rule_glob_matches(pattern->part[i], path->name[i]))
			return false;
	return false;
}

/* -- comparing --------------------------------------------------------------------------------- */

/* Returns whether each name that glob b matches is matched by glob a. May return false wrongly. */
static bool glob_covers(const char *a, const char *b)
{
	struct rule_glob glob;

	if (strcmp(a, "*") == 0 || strcmp(a, b) == 0)
		return true;
	rule_glob_init(&glob, b);
	return glob.is_name && rule_glob_matches(a, glob.head);
}

/* Returns whether the components of a from i on cover those of b from k on. */
static bool covers_from(const struct rule_pattern *a, const struct rule_pattern *b, size_t i,
			size_t k, bool below)
{
	if (i == a->n_parts)
		return below || k == b->n_parts;
	if (!a->part[i]) {
		if (i + 1 == a->n_parts)
			return k < b->n_parts;
		for (; k < b->n_parts; k++)
			if (covers_from(a, b, i + 1, k, below))
				return true;
		return false;
	}
	return k < b->n_parts && b->part[k] && glob_covers(a->part[i], b->part[k]) &&
	       covers_from(a, b, i + 1, k + 1, below);
}

bool rule_pattern_covers(const struct rule_pattern *a, const struct rule_pattern *b, bool below)
{
	if (!a->n_parts)
		return below || !b->n_parts;
	return b->n_parts && (!a->only_dirs || b->only_dirs) && covers_from(a, b, 0, 0, below);
}
