/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The socket file of a view. */
#include <sys/stat.h>

/*
 * Binds a socket at path and listens: mode 0600; the directory is made if it is missing, and a file
 * that a dead process has left is replaced. Returns a descriptor, which does not block, or -errno;
 * -EPERM where others may write to the directory. *ret_file identifies the file for
 * listen_remove().
 */
int listen_at(const char *path, int backlog, struct stat *ret_file);

/* Removes the file, if it is still the one that listen_at() has made. */
void listen_remove(const char *path, const struct stat *file);
