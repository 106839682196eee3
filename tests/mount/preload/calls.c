// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * For LD_PRELOAD: appends the name of each of these calls to the file $CALLS/log. If there is a
 * file $CALLS/NAME, the call NAME fails with the error number that it contains, or waits as long as
 * the file exists and contains 0.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Returns the error with which a call has to fail, or 0. */
static int record(const char *name)
{
	char path[512], number[16] = "";
	int fd;

	snprintf(path, sizeof(path), "%s/log", getenv("CALLS"));
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0 || dprintf(fd, "%s\n", name) < 0)
		abort();
	close(fd);
	snprintf(path, sizeof(path), "%s/%s", getenv("CALLS"), name);
	while ((fd = open(path, O_RDONLY | O_CLOEXEC)) >= 0) {
		if (read(fd, number, sizeof(number) - 1) < 0)
			abort();
		close(fd);
		if (atoi(number))
			return atoi(number);
		usleep(1000);
	}
	return 0;
}

int fdatasync(int fd)
{
	int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
	int error = record("fdatasync");

	if (!error)
		return next(fd);
	errno = error;
	return -1;
}

int syncfs(int fd)
{
	int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, "syncfs");
	int error = record("syncfs");

	if (!error)
		return next(fd);
	errno = error;
	return -1;
}

int fremovexattr(int fd, const char *attribute)
{
	int (*next)(int, const char *) =
		(int (*)(int, const char *))dlsym(RTLD_NEXT, "fremovexattr");
	int error = record("fremovexattr");

	if (!error)
		return next(fd, attribute);
	errno = error;
	return -1;
}

int fanotify_mark(int fd, unsigned int flags, uint64_t mask, int dir_fd, const char *path)
{
	int (*next)(int, unsigned int, uint64_t, int, const char *) = (int (*)(
		int, unsigned int, uint64_t, int, const char *))dlsym(RTLD_NEXT, "fanotify_mark");
	int error = record("fanotify_mark");

	if (!error)
		return next(fd, flags, mask, dir_fd, path);
	errno = error;
	return -1;
}
