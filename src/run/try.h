/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Tries whether commands run in views here. */
#include <sys/types.h>

struct pst_error;
struct pst_view_options;

/*
 * Runs true(1) in a view, in a child process, as the user uid; only root can name another one than
 * itself. The view's directory has to be an absolute path; nothing else sees the view. Returns 0,
 * or -errno and *error, the message of `penstock run`.
 */
int run_try(const struct pst_view_options *view, uid_t uid, struct pst_error *error);
