/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* File descriptors: always close-on-exec, -1 when there is none. */
#include <stdbool.h>
#include <stddef.h>

/* Closes fd unless it is negative, keeps errno. Returns -1, so that `fd = fd_close(fd)` reads well. */
int fd_close(int fd);

static inline void fd_closep(int *fd)
{
	if (*fd >= 0)
		fd_close(*fd);
}

/* The path under which the kernel lets us reach fd again: "/proc/self/fd/N". */
struct fd_path {
	char text[32];
};
struct fd_path fd_path(int fd);

/* Reads a small file in full as text; returns its length or -errno. */
int fd_read_file(const char *path, char *buf, size_t size);
