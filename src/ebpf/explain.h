/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Explains to users in one line why libbpf or the kernel has refused a filter. */
#include <penstock/penstock.h>
#include <stddef.h>

/*
 * Captures the messages of libbpf in this thread, instead of printing them to standard error, until
 * the scope ends: _cleanup_(capture_end) struct capture capture = capture_begin(). Scopes do not
 * nest.
 */
struct capture {
	char unused;
};
struct capture capture_begin(void);
void capture_end(struct capture *capture);
/*
 * Returns the messages since the scope began or since the last call. The caller frees the text,
 * which may be NULL.
 */
char *capture_take(void);

/*
 * Each of these fills *error and returns its code, a negative errno. said is the text of
 * capture_take(), or NULL. what is the action that the kernel has refused ("loading a filter").
 */
int explain_eperm(const char *what, struct pst_error *error);
int explain_open(const char *path, int error_number, const char *said, struct pst_error *error);
int explain_load(int error_number, const char *said, const char *verifier_log,
		 struct pst_error *error);
