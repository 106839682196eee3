/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Events of an audit, and the summary by process. */
#include <stdio.h>

struct json_object;

enum audit_action {
	AUDIT_READ,
	AUDIT_WRITTEN,
	AUDIT_CREATED,
	AUDIT_REMOVED,
	AUDIT_REFUSED,
	_AUDIT_N_ACTIONS,
	AUDIT_CHANGED = _AUDIT_N_ACTIONS, /* attributes; not in the summary */
};

/* A process, by its number and the name of its program: a process can execute another program. */
struct audit_process {
	unsigned int number;
	char program[16 * 4 + 1]; /* escaped as util/utf8.h says */
	/* For each action an object whose members are the paths; owned. */
	struct json_object *paths[_AUDIT_N_ACTIONS];
};

struct audit_table {
	struct audit_process *processes;
	size_t n;
};

/*
 * Adds a line of a trace. Returns the record for the file, which the caller frees; NULL if the line
 * is not about a file that was opened, made, removed, changed or refused.
 */
struct json_object *audit_table_add(struct audit_table *table, struct json_object *line);
/* Prints the summary: by process, or by program if there are many processes. */
void audit_table_print(const struct audit_table *table, FILE *out);
void audit_table_fini(struct audit_table *table);
