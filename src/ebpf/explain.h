/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What libbpf and the kernel say when they refuse a filter, made short for people. */
#include <penstock/penstock.h>
#include <stddef.h>

/*
 * Keeps what libbpf prints in this thread until capture_end(), instead of letting it go to standard
 * error. Captures do not nest. *ret_text is for free(), and may be NULL.
 */
void capture_begin(void);
char *capture_end(void);

/* Each fills *error and returns its code. said is what was captured, or NULL. */
int explain_eperm(const char *what, struct pst_error *error);
int explain_open(const char *path, int error_number, const char *said, struct pst_error *error);
int explain_load(int error_number, const char *said, const char *verifier_log,
		 struct pst_error *error);
