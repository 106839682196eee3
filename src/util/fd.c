// SPDX-License-Identifier: LGPL-2.1-or-later
/* File descriptors. The only state is in_fd_dir, which each thread has for itself. No locks. */
#include "util/fd.h"
#include "util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

int fd_close(int fd)
{
	int saved = errno;

	/*
	 * On Linux the descriptor is closed even after EINTR: a second close(2) could close a file
	 * that another thread has opened meanwhile.
	 */
	if (fd >= 0)
		close(fd);
	errno = saved;
	return -1;
}

#define FD_DIR "/proc/self/fd"

static __thread bool in_fd_dir;

struct fd_path fd_path(int fd)
{
	struct fd_path path;

	snprintf(path.text, sizeof(path.text), in_fd_dir ? "%d" : FD_DIR "/%d", fd);
	return path;
}

int fd_reopen(int fd, int flags)
{
	int opened = open(fd_path(fd).text, flags | O_CLOEXEC);

	return opened < 0 ? -errno : opened;
}

void fd_path_shorten(void)
{
	/* "self" names the process: all its threads have the same descriptors. */
	in_fd_dir = chdir(FD_DIR) == 0;
}

int fd_read_file(const char *path, char *buf, size_t size)
{
	_cleanup_(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;

	if (fd < 0)
		return -errno;
	while (len + 1 < size) {
		ssize_t n = read(fd, buf + len, size - 1 - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	buf[len] = 0;
	return (int)len;
}

void fd_raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}
