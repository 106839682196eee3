/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* File descriptors. All are close-on-exec; -1 stands for none. */
#include <stdbool.h>
#include <stddef.h>

/* Closes fd unless it is negative. Keeps errno. Returns -1, for `fd = fd_close(fd)`. */
int fd_close(int fd);

static inline void fd_closep(int *fd)
{
	if (*fd >= 0)
		fd_close(*fd);
}

/*
 * Returns a path of the file of fd for system calls that take no descriptor: "/proc/self/fd/N", or
 * "N" in a thread that has called fd_path_shorten().
 */
struct fd_path {
	char text[32];
};
struct fd_path fd_path(int fd);
/* Opens the file of a descriptor again, close-on-exec. Returns the new descriptor or -errno. */
int fd_reopen(int fd, int flags);
/*
 * Makes /proc/self/fd the working directory of the calling thread, because resolving that prefix
 * takes a third of the time of a system call by fd_path(). The thread must have a working directory
 * of its own (unshare(CLONE_FS)).
 */
void fd_path_shorten(void);

/*
 * Reads a file into buf, at most size - 1 bytes, and ends the text with a NUL. Returns the length
 * or -errno.
 */
int fd_read_file(const char *path, char *buf, size_t size);
/*
 * Raises the soft limit of descriptors to the hard one, because each open file whose data is served
 * keeps a descriptor.
 */
void fd_raise_limit(void);
