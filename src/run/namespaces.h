/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The namespaces of `penstock run`; run.c says which process is in which. */
#include <sys/types.h>

struct pst_error;
struct tree;

/*
 * Moves this process into a mount namespace of its own, and if it may not mount, first into a user
 * namespace of its own, in which it is root. Returns 0, or -errno and *error.
 */
int namespaces_of_view(struct pst_error *error);

/* Returns the number outside, and for the command, of a user or group of the view's namespace. */
uid_t namespaces_user_outside(uid_t uid);
gid_t namespaces_group_outside(gid_t gid);

/*
 * Moves this process, the first of its PID namespace, into the namespaces of the command: mounts a
 * new /proc, mounts the view at all paths of the tree below it, makes the file audit (may be NULL)
 * read-only, closes the ways to devices and settings of the kernel, and then locks all mounts by a
 * user namespace, whose maps the process at the other end of fd writes by namespaces_map(). Returns
 * 0, or -errno and *error.
 */
int namespaces_of_command(const struct tree *tree, const char *audit, int fd,
			  struct pst_error *error);

/*
 * Writes the maps of the user namespace of the process pid: it has the same users and groups as
 * the caller of `penstock run`. Returns 0, or -errno and *error.
 */
int namespaces_map(pid_t pid, struct pst_error *error);
