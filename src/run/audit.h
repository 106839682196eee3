/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The record of what a command does with files: `penstock run --audit FILE`, and --changes. */
#include <stdbool.h>

struct audit;
struct pst_error;
struct pst_view;

/*
 * Starts a thread that writes a line of JSON to file_fd (-1: none) for each file that is opened,
 * made, removed, changed or refused in the view. With changes, audit_end() prints all files that
 * differ in the end, not only some. Borrows both descriptors until then. Returns 0, or -errno and
 * *error.
 */
int audit_start(struct pst_view *view, int file_fd, int report_fd, bool changes,
		struct audit **ret_audit, struct pst_error *error);
/*
 * Call it after the end of the view: writes the last lines, prints a summary (if there is a file)
 * and the changes to report_fd, and frees *audit. Accepts NULL.
 */
void audit_end(struct audit *audit);
