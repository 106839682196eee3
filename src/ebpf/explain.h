/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Turns what libbpf and the kernel print when they refuse a filter into a line for users. */
#include <penstock/penstock.h>
#include <stddef.h>

/*
 * Keeps what libbpf prints in this thread, instead of letting it go to standard error, until the
 * scope ends: _cleanup_(capture_end) struct capture capture = capture_begin(). Scopes do not nest.
 */
struct capture {
	char unused;
};
struct capture capture_begin(void);
void capture_end(struct capture *capture);
/* Returns what was printed since the scope began or the last call: for free(), may be NULL. */
char *capture_take(void);

/*
 * Each fills *error and returns its code. said is the text of capture_take(), or NULL. what is the
 * action that the kernel has refused ("loading a filter").
 */
int explain_eperm(const char *what, struct pst_error *error);
int explain_open(const char *path, int error_number, const char *said, struct pst_error *error);
int explain_load(int error_number, const char *said, const char *verifier_log,
		 struct pst_error *error);
