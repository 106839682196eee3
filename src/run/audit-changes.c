// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The files that a command has changed in the end: created, changed, removed or moved.
 *
 * A name of the list has these facts: if a file had it before the command, if one has it now, if
 * that was changed, and from which name it was moved. An operation shows the first fact when it is
 * the first on that name: a file that is created did not exist, one that is removed did. Only a
 * rename says nothing about a file that it replaces: the kernel then has looked up the new name, so
 * the file existed unless a lookup did not find it. No locks: a list belongs to one thread.
 */
#include "run/audit-changes.h"
#include "ctl/json.h"
#include "util/cleanup.h"
#include "util/utf8.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ABSENT 1000000 /* names that are remembered */

/* -- facts about a name ----------------------------------------------------------------------- */

static struct json_object *find(const struct audit_changes *changes, const char *path)
{
	struct json_object *file = NULL;

	if (changes->files)
		json_object_object_get_ex(changes->files, path, &file);
	return file;
}

static void set(struct json_object *file, const char *name, bool value)
{
	json_object_object_del(file, name);
	json_add_bool(file, name, value);
}

static struct json_object *add(struct audit_changes *changes, const char *path, bool before,
			       bool now)
{
	struct json_object *file;

	if (!changes->files)
		changes->files = json_object_new_object();
	file = json_add_object(changes->files, path);
	json_add_bool(file, "before", before);
	json_add_bool(file, "now", now);
	return file;
}

/* Returns the name that a file had before a directory above it was moved, or NULL. */
static char *name_before(const struct audit_changes *changes, const char *path)
{
	_cleanup_(freep) char *above = strdup(path);
	char *slash, *name;

	while (above && (slash = strrchr(above, '/')) && slash > above) {
		struct json_object *file;
		const char *from;

		*slash = '\0';
		file = find(changes, above);
		from = file && json_get_bool(file, "now") ? json_get_text(file, "from") : "";
		if (*from)
			return asprintf(&name, "%s%s", from, path + strlen(above)) < 0 ? NULL :
											 name;
	}
	return NULL;
}

/*
 * Returns the name of the list, borrowed; adds it if it is new. A file that exists and is new to
 * the list was there before the command, maybe in a directory that was moved since.
 */
static struct json_object *take(struct audit_changes *changes, const char *path, bool exists)
{
	struct json_object *file = find(changes, path);
	_cleanup_(freep) char *origin = NULL;

	if (file)
		return file;
	origin = exists ? name_before(changes, path) : NULL;
	file = add(changes, path, exists && !origin, exists);
	if (origin) {
		json_add_text(file, "from", origin);
		if (!find(changes, origin))
			add(changes, origin, true, false);
	}
	return file;
}

static void add_created(struct audit_changes *changes, const char *path, bool directory)
{
	struct json_object *file = take(changes, path, false);

	set(file, "now", true);
	if (directory)
		set(file, "directory", true);
}

static void add_removed(struct audit_changes *changes, const char *path, bool directory)
{
	struct json_object *file = take(changes, path, true);

	set(file, "now", false);
	json_object_object_del(file, "from");
	if (directory)
		set(file, "directory", true);
}

static bool was_absent(const struct audit_changes *changes, const char *path)
{
	return changes->absent && json_object_object_get_ex(changes->absent, path, NULL);
}

static void add_absent(struct audit_changes *changes, const char *path)
{
	if (!changes->absent)
		changes->absent = json_object_new_object();
	if (json_object_object_length(changes->absent) < MAX_ABSENT)
		json_object_object_add(changes->absent, path, NULL);
}

/* -- renames ---------------------------------------------------------------------------------- */

/* Moves one name of the list, or a name that is new to the list. */
static void move(struct audit_changes *changes, const char *from, const char *to, bool replaces)
{
	struct json_object *old = take(changes, from, true), *new = take(changes, to, replaces);
	const char *origin = json_get_text(old, "from");
	bool is_first = json_get_bool(old, "before") && !*origin && !json_get_bool(old, "away");
	bool directory = json_get_bool(old, "directory"), changed = json_get_bool(old, "changed");

	set(new, "replaced", json_get_bool(new, "now"));
	set(new, "now", true);
	set(new, "changed", changed);
	if (directory)
		set(new, "directory", true);
	json_object_object_del(new, "from");
	if (*origin)
		json_add_text(new, "from", origin);
	else if (is_first)
		json_add_text(new, "from", from);
	add_removed(changes, from, false);
	if (is_first)
		set(old, "away", true);
}

/* Moves the files of the list that are in a directory. */
static void move_inside(struct audit_changes *changes, const char *from, const char *to)
{
	size_t len = strlen(from), n = 0;
	_cleanup_(freep) char **paths =
		calloc((size_t)json_object_object_length(changes->files) + 1, sizeof(*paths));

	if (!paths)
		return;
	json_object_object_foreach(changes->files, path, file)
		if (strncmp(path, from, len) == 0 && path[len] == '/' && json_get_bool(file, "now"))
			paths[n++] = strdup(path);
	for (size_t i = 0; i < n; i++) {
		char *new = NULL;

		if (paths[i] && asprintf(&new, "%s%s", to, paths[i] + len) > 0)
			move(changes, paths[i], new, false);
		free(new);
		free(paths[i]);
	}
}

static void add_rename(struct audit_changes *changes, struct json_object *line)
{
	const char *from = json_get_text(line, "path"), *to = json_get_text(line, "path2");
	bool replaces = !was_absent(changes, to);

	for (size_t i = 0; i < json_length(line, "flags"); i++) {
		const char *flag = json_text_at(line, "flags", i);

		replaces &= strcmp(flag, "noreplace") != 0;
		if (strcmp(flag, "exchange") == 0) {
			take(changes, from, true);
			take(changes, to, true);
			return;
		}
	}
	move(changes, from, to, replaces);
	move_inside(changes, from, to);
}

/* -- lines of a trace ------------------------------------------------------------------------- */

static bool opens_for_writing(struct json_object *line)
{
	for (size_t i = 0; i < json_length(line, "flags"); i++)
		if (strcmp(json_text_at(line, "flags", i), "write") == 0)
			return true;
	return false;
}

static bool is_one_of(const char *op, const char *const *ops, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(op, ops[i]) == 0)
			return true;
	return false;
}

void audit_changes_add(struct audit_changes *changes, struct json_object *line)
{
	static const char *const creates[] = { "create", "mkdir", "mknod", "symlink", "link" };
	static const char *const changing[] = { "setattr", "setxattr", "removexattr" };
	const char *op = json_get_text(line, "op"), *path = json_get_text(line, "path");
	int error = (int)json_get_number(line, "error");

	if (!*path || !json_object_object_get_ex(line, "error", NULL) ||
	    json_object_object_get_ex(line, "event", NULL))
		return;
	if (error == ENOENT && strcmp(op, "lookup") == 0)
		add_absent(changes, path);
	if (error)
		return;
	if (is_one_of(op, creates, 5))
		add_created(changes, path, strcmp(op, "mkdir") == 0);
	else if (is_one_of(op, changing, 3) || (strcmp(op, "open") == 0 && opens_for_writing(line)))
		set(take(changes, path, true), "changed", true);
	else if (strcmp(op, "unlink") == 0 || strcmp(op, "rmdir") == 0)
		add_removed(changes, path, op[0] == 'r');
	else if (strcmp(op, "rename") == 0)
		add_rename(changes, line);
}

/* -- printing --------------------------------------------------------------------------------- */

/* In the order in which they are printed. */
enum change { UNCHANGED, CREATED, CHANGED, MOVED, REMOVED };

/* Returns whether a file has the name that it was moved to, and has left the old one. */
static bool is_moved(const struct audit_changes *changes, struct json_object *file)
{
	const char *from = json_get_text(file, "from");
	struct json_object *old = *from ? find(changes, from) : NULL;

	/* Its name was free, because no file had it, or the file that had it was moved, too. */
	return old && json_get_bool(file, "now") && !json_get_bool(file, "replaced") &&
	       (!json_get_bool(file, "before") || json_get_bool(file, "away")) &&
	       (!json_get_bool(old, "now") || json_get_bool(old, "away"));
}

/* Marks the old names of moved files, which have no line of their own. */
static void mark_old_names(const struct audit_changes *changes)
{
	json_object_object_foreach(changes->files, path, file) {
		(void)path;
		if (is_moved(changes, file))
			set(find(changes, json_get_text(file, "from")), "left", true);
	}
}

static enum change change_of(const struct audit_changes *changes, struct json_object *file)
{
	bool before = json_get_bool(file, "before"), now = json_get_bool(file, "now");

	if (is_moved(changes, file))
		return MOVED;
	if (before && now)
		return CHANGED;
	if (before)
		return json_get_bool(file, "left") ? UNCHANGED : REMOVED;
	return now ? CREATED : UNCHANGED;
}

/* Returns whether a file was moved by moving its directory. */
static bool is_moved_with(struct json_object *file, const char *path, struct json_object *parent)
{
	const char *from = json_get_text(file, "from"), *above = json_get_text(parent, "from");
	size_t len = strlen(above);

	return strncmp(from, above, len) == 0 && strcmp(from + len, strrchr(path, '/')) == 0;
}

/* Returns whether the same happened to the directory in which the file is. */
static bool is_covered(const struct audit_changes *changes, const char *path, enum change change)
{
	_cleanup_(freep) char *above = strndup(path, (size_t)(strrchr(path, '/') - path));
	struct json_object *parent = above ? find(changes, above) : NULL;

	if (!parent || change == CHANGED || change_of(changes, parent) != change)
		return false;
	return change != MOVED || is_moved_with(find(changes, path), path, parent);
}

static bool has_line(const struct audit_changes *changes, const char *path, enum change change)
{
	return !is_covered(changes, path, change) ||
	       (change == MOVED && json_get_bool(find(changes, path), "changed"));
}

static void print_file(const struct audit_changes *changes, const char *path, enum change change,
		       FILE *out)
{
	static const char *const words[] = {
		[CREATED] = "created",
		[CHANGED] = "changed",
		[MOVED] = "moved",
		[REMOVED] = "removed",
	};
	struct json_object *file = find(changes, path);

	/* The line of a directory says that the file was moved. */
	if (is_covered(changes, path, change))
		change = CHANGED;
	fprintf(out, "%9s: ", words[change]);
	if (change == MOVED) {
		utf8_print(out, json_get_text(file, "from"));
		fprintf(out, " -> ");
	}
	utf8_print(out, path);
	fprintf(out, change == MOVED && json_get_bool(file, "changed") ? ", and changed\n" : "\n");
}

static bool print_kind(const struct audit_changes *changes, enum change change, int max, FILE *out)
{
	int n = 0;

	json_object_object_foreach(changes->files, path, file)
		if (change_of(changes, file) == change && has_line(changes, path, change) &&
		    n++ < max)
			print_file(changes, path, change, out);
	if (n > max)
		fprintf(out, "%9s  and %d more, which --changes lists\n", "", n - max);
	return n > 0;
}

bool audit_changes_print(const struct audit_changes *changes, int max, FILE *out)
{
	bool printed = false;

	if (!changes->files)
		return false;
	mark_old_names(changes);
	for (enum change change = CREATED; change <= REMOVED; change++)
		printed |= print_kind(changes, change, max, out);
	return printed;
}

void audit_changes_fini(struct audit_changes *changes)
{
	json_object_put(changes->files);
	json_object_put(changes->absent);
	*changes = (struct audit_changes){ 0 };
}
