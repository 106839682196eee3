/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* How files differ from those before the command. */
#include <stdio.h>

struct json_object;

/* Each member is an object, whose members are paths; NULL before the first change. */
struct audit_changes {
	struct json_object *files; /* the values: an enum of audit-changes.c */
	struct json_object *above; /* the directories in which these files are or were */
};

/* The command has opened a file: a later change is one of a file that existed. */
void audit_changes_see(struct audit_changes *changes, const char *path);
void audit_changes_create(struct audit_changes *changes, const char *path);
/* The content or attributes of a file that exists. */
void audit_changes_change(struct audit_changes *changes, const char *path);
void audit_changes_remove(struct audit_changes *changes, const char *path);
/* A rename takes the changes of a directory's files along. */
void audit_changes_rename(struct audit_changes *changes, const char *from, const char *to);
/* Prints the paths that the command has created, changed and removed, some of each. */
void audit_changes_print(const struct audit_changes *changes, FILE *out);
void audit_changes_fini(struct audit_changes *changes);
