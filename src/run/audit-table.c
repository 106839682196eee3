// SPDX-License-Identifier: LGPL-2.1-or-later
/* Events of an audit, and the summary by process. No locks: a table belongs to one thread. */
#include "run/audit-table.h"
#include "ctl/json.h"
#include "util/utf8.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_REFUSED   20 /* paths in the summary of one process */
#define MAX_PROCESSES 20 /* lines of the summary, else there is one for each program */

static const char *const names[] = {
	[AUDIT_READ] = "read",       [AUDIT_WRITTEN] = "written", [AUDIT_CREATED] = "created",
	[AUDIT_REMOVED] = "removed", [AUDIT_REFUSED] = "refused", [AUDIT_CHANGED] = "changed",
};

/* The action of an operation that succeeds; -1 for open, whose flags say it. */
static const struct {
	const char *op;
	int action;
} operations[] = {
	{ "open", -1 },
	{ "create", AUDIT_CREATED },
	{ "mkdir", AUDIT_CREATED },
	{ "mknod", AUDIT_CREATED },
	{ "symlink", AUDIT_CREATED },
	{ "link", AUDIT_CREATED },
	{ "unlink", AUDIT_REMOVED },
	{ "rmdir", AUDIT_REMOVED },
	{ "rename", AUDIT_REMOVED },
	{ "setattr", AUDIT_CHANGED },
	{ "setxattr", AUDIT_CHANGED },
	{ "removexattr", AUDIT_CHANGED },
};

#define N_OPERATIONS (sizeof(operations) / sizeof(operations[0]))

/* Returns the process of a line; adds it if it is new. NULL if out of memory. */
static struct audit_process *process_of(struct audit_table *table, struct json_object *line)
{
	unsigned int number = (unsigned int)json_get_number(line, "process");
	const char *program = json_get_text(line, "comm");
	struct audit_process *processes;

	/* The last process is most likely the one. */
	for (size_t i = table->n; i-- > 0;)
		if (table->processes[i].number == number &&
		    strcmp(table->processes[i].program, program) == 0)
			return &table->processes[i];
	processes = reallocarray(table->processes, table->n + 1, sizeof(*processes));
	if (!processes)
		return NULL;
	table->processes = processes;
	processes[table->n] = (struct audit_process){ .number = number };
	snprintf(processes[table->n].program, sizeof(processes->program), "%s", program);
	return &processes[table->n++];
}

static void count(struct audit_table *table, struct json_object *line, enum audit_action action,
		  const char *path)
{
	struct audit_process *process = process_of(table, line);

	if (!process || action >= _AUDIT_N_ACTIONS)
		return;
	if (!process->paths[action])
		process->paths[action] = json_object_new_object();
	json_object_object_add(process->paths[action], path, NULL);
}

static bool is_refusal(struct json_object *line)
{
	int error = (int)json_get_number(line, "error");

	return error == EACCES || error == EPERM || error == EROFS ||
	       (error && *json_get_text(line, "verdict"));
}

/* Returns the number of the operation in operations[], or -1. */
static int find(const char *op)
{
	for (size_t i = 0; i < N_OPERATIONS; i++)
		if (strcmp(operations[i].op, op) == 0)
			return (int)i;
	return -1;
}

static bool has_flag(struct json_object *line, const char *flag)
{
	for (size_t i = 0; i < json_length(line, "flags"); i++)
		if (strcmp(json_text_at(line, "flags", i), flag) == 0)
			return true;
	return false;
}

static void add_actions(struct audit_table *table, struct json_object *line, int operation,
			struct json_object *actions)
{
	const char *path = json_get_text(line, "path");
	enum audit_action list[4];
	size_t n = 0;

	if (operations[operation].action >= 0)
		list[n++] = (enum audit_action)operations[operation].action;
	if (has_flag(line, "read"))
		list[n++] = AUDIT_READ;
	/* truncate(2) writes without an open. */
	if (has_flag(line, "write") || has_flag(line, "size"))
		list[n++] = AUDIT_WRITTEN;
	for (size_t i = 0; i < n; i++) {
		count(table, line, list[i], path);
		json_object_array_add(actions, json_object_new_string(names[list[i]]));
	}
	/* A rename removes one name and makes another. */
	if (strcmp(operations[operation].op, "rename") == 0) {
		count(table, line, AUDIT_CREATED, json_get_text(line, "path2"));
		json_object_array_add(actions, json_object_new_string(names[AUDIT_CREATED]));
	}
}

/* Copies a member of the line, if the line has it. */
static void copy(struct json_object *record, struct json_object *line, const char *name)
{
	struct json_object *member;

	if (json_object_object_get_ex(line, name, &member))
		json_object_object_add(record, name, json_object_get(member));
}

struct json_object *audit_table_add(struct audit_table *table, struct json_object *line)
{
	static const char *const copied[] = { "time", "process", "comm", "uid",   "gid",
					      "op",   "flags",   "path", "path2", "verdict" };
	int operation = find(json_get_text(line, "op"));
	int error = (int)json_get_number(line, "error");
	struct json_object *record, *actions;

	if (!json_object_object_get_ex(line, "error", NULL) ||
	    json_object_object_get_ex(line, "event", NULL) ||
	    (!is_refusal(line) && (error || operation < 0)))
		return NULL;
	record = json_object_new_object();
	for (size_t i = 0; i < sizeof(copied) / sizeof(copied[0]); i++)
		copy(record, line, copied[i]);
	actions = json_add_array(record, "did");
	if (error) {
		json_add_text(record, "error", strerrorname_np(error));
		count(table, line, AUDIT_REFUSED, json_get_text(line, "path"));
		json_object_array_add(actions, json_object_new_string(names[AUDIT_REFUSED]));
	} else {
		add_actions(table, line, operation, actions);
	}
	return record;
}

/* Prints the paths that were refused. They may have any bytes. */
static void print_refused(const struct audit_process *process, FILE *out)
{
	int n = 0, all;

	if (!process->paths[AUDIT_REFUSED])
		return;
	all = json_object_object_length(process->paths[AUDIT_REFUSED]);
	json_object_object_foreach(process->paths[AUDIT_REFUSED], path, unused) {
		(void)unused;
		if (n++ >= MAX_REFUSED)
			break;
		fprintf(out, "%9s refused: ", "");
		utf8_print(out, path);
		fprintf(out, "\n");
	}
	if (all > MAX_REFUSED)
		fprintf(out, "%9s and %d more\n", "", all - MAX_REFUSED);
}

/* Prints a line of the summary. number is that of the process, or how many there are. */
static void print_process(const struct audit_process *process, unsigned int number, FILE *out)
{
	fprintf(out, "%9u ", number);
	utf8_print(out, process->program);
	fprintf(out, "%*s", 16 - (int)strlen(process->program), "");
	for (int k = 0; k < _AUDIT_N_ACTIONS; k++)
		fprintf(out, " %8d",
			process->paths[k] ? json_object_object_length(process->paths[k]) : 0);
	fprintf(out, "\n");
	print_refused(process, out);
}

/* Adds the paths of a process to those of another. */
static void add_paths(struct audit_process *sum, const struct audit_process *process)
{
	for (int k = 0; k < _AUDIT_N_ACTIONS; k++) {
		if (!process->paths[k])
			continue;
		if (!sum->paths[k])
			sum->paths[k] = json_object_new_object();
		json_object_object_foreach(process->paths[k], path, unused) {
			(void)unused;
			json_object_object_add(sum->paths[k], path, NULL);
		}
	}
}

static void free_paths(struct audit_process *process)
{
	for (int k = 0; k < _AUDIT_N_ACTIONS; k++)
		json_object_put(process->paths[k]);
}

/* Prints a line for all processes of the program of process i, unless an earlier one has that. */
static void print_program(const struct audit_table *table, size_t i, FILE *out)
{
	struct audit_process sum = { 0 };
	unsigned int n = 0;

	memcpy(sum.program, table->processes[i].program, sizeof(sum.program));
	for (size_t k = 0; k < table->n; k++) {
		if (strcmp(table->processes[k].program, sum.program) != 0)
			continue;
		if (k < i)
			return;
		add_paths(&sum, &table->processes[k]);
		n++;
	}
	print_process(&sum, n, out);
	free_paths(&sum);
}

void audit_table_print(const struct audit_table *table, FILE *out)
{
	bool programs = table->n > MAX_PROCESSES;

	fprintf(out, "%9s %-16s", programs ? "processes" : "process", "program");
	for (int i = 0; i < _AUDIT_N_ACTIONS; i++)
		fprintf(out, " %8s", names[i]);
	fprintf(out, "\n");
	for (size_t i = 0; i < table->n; i++)
		if (programs)
			print_program(table, i, out);
		else
			print_process(&table->processes[i], table->processes[i].number, out);
}

void audit_table_fini(struct audit_table *table)
{
	for (size_t i = 0; i < table->n; i++)
		free_paths(&table->processes[i]);
	free(table->processes);
	*table = (struct audit_table){ 0 };
}
