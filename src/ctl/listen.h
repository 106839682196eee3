/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The socket file of a view. */
#include <sys/stat.h>

/*
 * Binds a socket at path, with mode 0600, and listens. Creates the directory if it is missing, and
 * replaces the file of a dead process. Returns a non-blocking descriptor, which the caller owns;
 * -EPERM if users other than root and this one may write to the directory; or another -errno.
 * *ret_file identifies the file for listen_remove().
 */
int listen_at(const char *path, int backlog, struct stat *ret_file);

/* Removes the file, unless the path now has another file than listen_at() has created. */
void listen_remove(const char *path, const struct stat *file);
