/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* File descriptors: always close-on-exec, -1 when there is none. */
#include <stdbool.h>
#include <stddef.h>

/*
 * Closes fd unless it is negative, keeps errno. Returns -1, so that `fd = fd_close(fd)` reads well.
 */
int fd_close(int fd);

static inline void fd_closep(int *fd)
{
	if (*fd >= 0)
		fd_close(*fd);
}

/*
 * The path under which the kernel lets us reach fd again: "/proc/self/fd/N", or "N" from within
 * that directory.
 */
struct fd_path {
	char text[32];
};
struct fd_path fd_path(int fd);
/* Opens the file of a descriptor anew, close-on-exec. Returns the new descriptor or -errno. */
int fd_reopen(int fd, int flags);
/*
 * Makes /proc/self/fd the working directory of this thread, which must have one of its own
 * (CLONE_FS): of a call by such a path, finding the way to that directory takes a third of the
 * time.
 */
void fd_path_shorten(void);

/* Reads a small file in full as text; returns its length or -errno. */
int fd_read_file(const char *path, char *buf, size_t size);
