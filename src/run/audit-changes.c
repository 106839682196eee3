// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * How files differ from those before the command: a file that it created and removed is no change,
 * one that it removed and created again is changed. A file that is replaced by a rename, and was
 * never opened before, looks like a new one. No locks: the changes belong to one thread.
 */
#include "run/audit-changes.h"
#include "util/cleanup.h"
#include "util/utf8.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PRINTED 20 /* paths of each kind */

enum change { CREATED, CHANGED, REMOVED, _N_CHANGES, SEEN = _N_CHANGES };

static const char *const names[] = {
	[CREATED] = "created",
	[CHANGED] = "changed",
	[REMOVED] = "removed",
};

/* Returns the directory of a path, which the caller frees; NULL if out of memory. */
static char *parent_of(const char *path)
{
	const char *end = strrchr(path, '/');

	return strndup(path, end ? (size_t)(end - path) : 0);
}

/* Returns the change of a path, an enum change; -1 if nothing is known of it. */
static int find(const struct audit_changes *changes, const char *path)
{
	struct json_object *value;

	return json_object_object_get_ex(changes->files, path, &value) ?
		       json_object_get_int(value) :
		       -1;
}

/* Returns whether a directory above the path has a change. */
static bool is_below(const struct audit_changes *changes, const char *path, enum change change)
{
	_cleanup_(freep) char *above = parent_of(path);

	for (; above && *above; *strrchr(above, '/') = '\0')
		if (find(changes, above) == (int)change)
			return true;
	return false;
}

/* Returns the same as find(), but a file that came with a renamed directory is new there. */
static int find_file(const struct audit_changes *changes, const char *path)
{
	int change = find(changes, path);

	return change < 0 && is_below(changes, path, CREATED) ? (int)CREATED : change;
}

static void set(struct audit_changes *changes, const char *path, enum change change)
{
	_cleanup_(freep) char *above = parent_of(path);

	if (!changes->files)
		changes->files = json_object_new_object();
	if (!changes->above)
		changes->above = json_object_new_object();
	json_object_object_add(changes->files, path, json_object_new_int(change));
	for (; above && *above && !json_object_object_get_ex(changes->above, above, NULL);
	     *strrchr(above, '/') = '\0')
		json_object_object_add(changes->above, above, NULL);
}

void audit_changes_see(struct audit_changes *changes, const char *path)
{
	if (find_file(changes, path) < 0)
		set(changes, path, SEEN);
}

void audit_changes_create(struct audit_changes *changes, const char *path)
{
	int was = find_file(changes, path);

	set(changes, path, was < 0 || was == CREATED ? CREATED : CHANGED);
}

void audit_changes_change(struct audit_changes *changes, const char *path)
{
	if (find_file(changes, path) != CREATED)
		set(changes, path, CHANGED);
}

void audit_changes_remove(struct audit_changes *changes, const char *path)
{
	if (find_file(changes, path) == CREATED)
		json_object_object_del(changes->files, path);
	else
		set(changes, path, REMOVED);
}

/* Moves what is known of the files of a directory. */
static void move_below(struct audit_changes *changes, const char *from, const char *to)
{
	struct json_object *moved = json_object_new_object();
	size_t len = strlen(from);

	json_object_object_foreach(changes->files, path, value)
		if (strncmp(path, from, len) == 0 && path[len] == '/')
			json_object_object_add(moved, path, json_object_get(value));
	json_object_object_foreach(moved, old, state) {
		_cleanup_(freep) char *new = NULL;
		int change = json_object_get_int(state);

		/* A file that was there before is gone from its old path, and new at the other. */
		if (asprintf(&new, "%s%s", to, old + len) < 0)
			break;
		if (change == CREATED)
			json_object_object_del(changes->files, old);
		else
			set(changes, old, REMOVED);
		if (change != REMOVED)
			set(changes, new, CREATED);
	}
	json_object_put(moved);
}

void audit_changes_rename(struct audit_changes *changes, const char *from, const char *to)
{
	audit_changes_remove(changes, from);
	audit_changes_create(changes, to);
	if (json_object_object_get_ex(changes->above, from, NULL))
		move_below(changes, from, to);
}

/* Prints the paths of one kind, but not what lies in a directory that is printed itself. */
static void print(const struct audit_changes *changes, enum change change, FILE *out)
{
	int n = 0;

	if (!changes->files)
		return;
	json_object_object_foreach(changes->files, path, value) {
		if (json_object_get_int(value) != (int)change ||
		    (change != CHANGED && is_below(changes, path, change)) || n++ >= MAX_PRINTED)
			continue;
		fprintf(out, "%9s: ", names[change]);
		utf8_print(out, path);
		fprintf(out, "\n");
	}
	if (n > MAX_PRINTED)
		fprintf(out, "%9s: and %d more\n", names[change], n - MAX_PRINTED);
}

void audit_changes_print(const struct audit_changes *changes, FILE *out)
{
	for (int change = 0; change < _N_CHANGES; change++)
		print(changes, (enum change)change, out);
}

void audit_changes_fini(struct audit_changes *changes)
{
	json_object_put(changes->files);
	json_object_put(changes->above);
	*changes = (struct audit_changes){ 0 };
}
