/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The socket file of a view. */
#include <sys/stat.h>

/*
 * Binds a socket at path, with mode 0600, and listens. Makes the directory if it is missing, and
 * replaces a file of a dead process. Returns a descriptor that does not block, or -errno; -EPERM: a
 * user other than root and this one may write to the directory. *ret_file identifies the file for
 * listen_remove().
 */
int listen_at(const char *path, int backlog, struct stat *ret_file);

/* Removes the file, unless it is no longer the one that listen_at() has made. */
void listen_remove(const char *path, const struct stat *file);
