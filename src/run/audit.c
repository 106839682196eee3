// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The record of what a command does with files.
 *
 * The view writes its trace to a file in memory, because a trace drops lines for which a pipe has
 * no room. A thread follows that file, writes the lines that matter to the user's file, and gives
 * the memory back. So no line is lost, and no request waits for the disk.
 *
 * Only the thread uses the members, until audit_end() has joined it.
 */
#include "run/audit.h"
#include "ctl/json.h"
#include "run/audit-changes.h"
#include "run/audit-table.h"
#include "run/namespaces.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/log.h"

#include <penstock/penstock.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <json-c/json.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define LOOK_MS      50        /* between two looks at the trace */
#define ROOM         (1 << 20) /* of the trace that is read at once; no line is longer */
#define PAGE         4096
#define SOME_CHANGES 20 /* of each kind, that are printed without --changes */

struct audit {
	FILE *file; /* the user's; NULL: only the changes are wanted */
	FILE *report;
	int trace_fd; /* the trace, in memory; owned */
	off_t at;     /* of the trace: the end of the last line that was read */
	struct audit_table table;
	bool all_changes; /* print all, not only some */
	struct audit_changes changes;
	char *lines; /* ROOM bytes */
	_Atomic bool ended;
	pthread_t thread;
};

static void audit_free(struct audit *audit)
{
	if (audit->file)
		fclose(audit->file);
	if (audit->report)
		fclose(audit->report);
	fd_close(audit->trace_fd);
	audit_table_fini(&audit->table);
	audit_changes_fini(&audit->changes);
	free(audit->lines);
	free(audit);
}

DEFINE_CLEANUP(struct audit *, audit_free);

/* Writes the record of a line of the trace, if the line is about a file that the command used. */
static void take_line(struct audit *audit, const char *text)
{
	struct json_object *line = json_tokener_parse(text), *record = NULL;

	if (line) {
		uid_t uid = (uid_t)json_get_number(line, "uid");
		gid_t gid = (gid_t)json_get_number(line, "gid");

		json_add_number(line, "uid", namespaces_user_outside(uid));
		json_add_number(line, "gid", namespaces_group_outside(gid));
		record = audit->file ? audit_table_add(&audit->table, line) : NULL;
		audit_changes_add(&audit->changes, line);
	}
	if (record)
		fprintf(audit->file, "%s\n",
			json_object_to_json_string_ext(
				record, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(record);
	json_object_put(line);
}

/* Reads the lines that the trace has. Returns false if there was none. */
static bool read_lines(struct audit *audit)
{
	ssize_t n = pread(audit->trace_fd, audit->lines, ROOM - 1, audit->at);
	char *line = audit->lines, *end;
	off_t done = audit->at / PAGE * PAGE;

	if (n <= 0)
		return false;
	audit->lines[n] = '\0';
	for (; (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		take_line(audit, line);
	}
	audit->at += line - audit->lines;
	if (audit->at / PAGE * PAGE > done)
		fallocate(audit->trace_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
			  audit->at / PAGE * PAGE);
	return line != audit->lines;
}

static void *audit_main(void *arg)
{
	struct audit *audit = arg;
	bool ended;

	do {
		/* In this order: lines that were there at the end are read. */
		ended = audit->ended;
		while (read_lines(audit))
			;
		if (audit->file)
			fflush(audit->file);
		if (!ended)
			usleep(LOOK_MS * 1000);
	} while (!ended);
	return NULL;
}

int audit_start(struct pst_view *view, int file_fd, int report_fd, bool changes,
		struct audit **ret_audit, struct pst_error *error)
{
	_cleanup_(audit_freep) struct audit *audit = calloc(1, sizeof(*audit));
	int r, fd;

	if (!audit)
		return error_set(error, -ENOMEM, "out of memory");
	audit->report = fdopen(fcntl(report_fd, F_DUPFD_CLOEXEC, 3), "w");
	audit->trace_fd = memfd_create("penstock-audit", MFD_CLOEXEC);
	audit->lines = malloc(ROOM);
	audit->all_changes = changes;
	if (file_fd >= 0)
		audit->file = fdopen(fcntl(file_fd, F_DUPFD_CLOEXEC, 3), "w");
	if (audit->trace_fd < 0 || !audit->lines || (file_fd >= 0 && !audit->file) ||
	    !audit->report)
		return error_set(error, -ENOMEM, "no memory for the record of --audit");
	fd = fcntl(audit->trace_fd, F_DUPFD_CLOEXEC, 3);
	r = fd < 0 ? -errno : pst_view_trace(view, fd, 1, error);
	if (r == 0)
		r = -pthread_create(&audit->thread, NULL, audit_main, audit);
	if (r < 0)
		return error_set(error, r, "cannot start the record of --audit: %s", strerror(-r));
	pthread_setname_np(audit->thread, "penstock-audit");
	*ret_audit = take_ptr(audit);
	return 0;
}

void audit_end(struct audit *audit)
{
	if (!audit)
		return;
	audit->ended = true;
	pthread_join(audit->thread, NULL);
	if (audit->file)
		audit_table_print(&audit->table, audit->report);
	if (!audit_changes_print(&audit->changes, audit->all_changes ? INT_MAX : SOME_CHANGES,
				 audit->report) &&
	    audit->all_changes)
		fprintf(audit->report, "nothing was changed\n");
	if (audit->file && (fflush(audit->file) || ferror(audit->file)))
		fprintf(audit->report, "penstock: --audit: the file is not complete, because it "
				       "could not be written\n");
	audit_free(audit);
}
