/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* How files differ from those before the command. */
#include <stdbool.h>
#include <stdio.h>

struct json_object;

struct audit_changes {
	struct json_object *files;  /* path -> facts about the name; owned */
	struct json_object *absent; /* path -> null: names that a lookup did not find; owned */
};

/* Adds a line of a trace of all operations. An operation that failed only shows absent names. */
void audit_changes_add(struct audit_changes *changes, struct json_object *line);
/*
 * Prints a line for each file that was created, changed, moved or removed, at most max of each. A
 * file that was created and removed has no line, and a directory stands for all in it to which the
 * same happened. Returns whether there were lines.
 */
bool audit_changes_print(const struct audit_changes *changes, int max, FILE *out);
void audit_changes_fini(struct audit_changes *changes);
