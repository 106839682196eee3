// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The descriptors that processes of `penstock run` inherit.
 *
 * The command gets the standard streams, because the user has connected them, and pipes and
 * sockets, which shells (`<(...)`) and make (its job server) pass on. A directory would be a way
 * around the view by openat(2); so would be a mount, or a namespace. A file that is not one of the
 * standard streams may be one that the view hides. No state, no locks.
 */
#include "run/descriptors.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int check_stream(int fd, struct pst_error *error)
{
	static const char *const names[] = { "input", "output", "error" };
	int flags = fcntl(fd, F_GETFL);
	struct stat st;

	if (flags < 0)
		return open("/dev/null", O_RDWR) == fd ?
			       0 :
			       error_set(error, -EBADF, "cannot open /dev/null");
	if (!(flags & O_PATH) && fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode))
		return 0;
	return error_set(error, -EINVAL,
			 "standard %s is a directory, through which the command could open files "
			 "that the view hides: connect it to a file, a pipe or /dev/null",
			 names[fd]);
}

static bool may_pass(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && !(fcntl(fd, F_GETFL) & O_PATH) &&
	       (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));
}

int descriptors_check(struct pst_error *error)
{
	struct dirent *entry;
	DIR *dir;
	int r = 0;

	for (int fd = 0; fd <= 2 && r == 0; fd++)
		r = check_stream(fd, error);
	if (r < 0)
		return r;
	dir = opendir("/proc/self/fd");
	if (!dir)
		return error_set(error, -errno, "cannot list the descriptors in /proc/self/fd");
	while ((entry = readdir(dir))) {
		int fd = atoi(entry->d_name);

		if (fd > 2 && fd != dirfd(dir) && !may_pass(fd))
			close(fd);
	}
	closedir(dir);
	return 0;
}

void descriptors_keep(int a, int b)
{
	unsigned int low = (unsigned int)(a < b ? a : b), high = (unsigned int)(a < b ? b : a);

	if (a < 0 || b < 0)
		low = high;
	if ((int)high < 3) {
		close_range(3, ~0U, 0);
		return;
	}
	if (low > 3)
		close_range(3, low - 1, 0);
	if (high > low + 1)
		close_range(low + 1, high - 1, 0);
	close_range(high + 1, ~0U, 0);
}

void descriptors_detach(_Bool error)
{
	_cleanup_(fd_closep) int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; null >= 0 && fd <= (error ? 2 : 1); fd++)
		dup2(null, fd);
}
