/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The user namespace in which an ordinary user may mount. */
#include <sys/types.h>

struct pst_error;

/*
 * Makes this process root of a new user namespace, in which uid and gid, those of the process, are
 * the only user and group. Groups cannot be changed there. Returns 0, or -errno and *error, which
 * says what the kernel lacks or forbids, and what allows it.
 */
int user_namespace_enter(uid_t uid, gid_t gid, struct pst_error *error);

/*
 * Returns -errno of a user namespace that could not be made, and in *error the setting that forbids
 * it. need says what needs it, instead what the user can do without it, or is "".
 */
int user_namespace_refused(int error_number, const char *need, const char *instead,
			   struct pst_error *error);

/* Writes a file in /proc of a process, 0 for this one: uid_map, gid_map. Returns 0 or -errno. */
int user_namespace_write(pid_t pid, const char *file, const char *text);
